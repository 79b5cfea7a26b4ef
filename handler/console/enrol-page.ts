/** Making a passkey: the page asks for one and prints what to put into the policy file. Nothing is stored. Pure. */
import { html, type Html } from './html.ts'

/** Its body; `host` is the name that passkeys belong to. */
export function enrolBody(host: string): Html {
  return html`<h1>Enrol a passkey</h1>
    <div class="panels">
      <section class="panel" aria-labelledby="enrol-title">
        <h2 id="enrol-title">A passkey for ${host}</h2>
        <p>
          Your device or security key makes a passkey for this name and keeps it. What the policy
          file needs then stands below: a public key, nothing secret. Nothing is stored here, and it
          opens nothing until whoever keeps the policy has put it there and knows that it is yours.
        </p>
        <form id="enrol">
          <label for="person">Your name, as the policy is to call you</label>
          <input id="person" required maxlength="64" autocomplete="off" />
          <p class="acts"><button>Make a passkey</button></p>
        </form>
        <div id="enrolled" hidden>
          <h3>For the policy file</h3>
          <pre id="entry" tabindex="0"></pre>
          <h3>To read over the phone to whoever keeps the policy</h3>
          <p class="compare" id="fingerprint"></p>
        </div>
      </section>
    </div>`
}
