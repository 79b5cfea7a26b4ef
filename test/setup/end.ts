/** Once after all tests: nothing of theirs stays in the temporary directory, not even of one that was killed. */
import { removeRoot } from './start.ts'

export default removeRoot
