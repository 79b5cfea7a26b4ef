/** The version of the product; a test compares it with package.json, which is not part of dist/. */
export const VERSION = '0.1.0'
