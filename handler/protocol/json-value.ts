/** JSON as the co-signer sent it: numbers keep their text, objects have no prototype, names are unique. */

/** A JSON number by its lexeme: money is never a double. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A frozen object without a prototype. */
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined
}

export type JsonValue = string | boolean | null | JsonNumber | JsonObject | readonly JsonValue[]
