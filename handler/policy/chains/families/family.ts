/** What a family of addresses can do: read a text, and say whether a tag belongs to its addresses. */

/** Addresses of one kind of chain. */
export interface AddressFamily {
  /** As the policy and people name it. */
  readonly name: string
  /** Transfers on its chains name a tag or a memo, which says whose money it is. */
  readonly hasTags: boolean
  /**
   * The key of a whole address, its one canonical spelling; undefined for a text that is no address of the family. INVARIANT:
   * reading a key gives the key; no key has a control character.
   */
  read(this: void, text: string): string | undefined
  /** Other texts of the address with this key, where there are few. */
  spellings?(this: void, key: string): readonly string[]
  /** The tag that an address holds itself. */
  tagIn?(this: void, text: string): string | undefined
}
