/** `completion <shell>`: a script that completes commands and options, printed from what commander knows of a program. */
import { Argument } from 'commander'
import type { Command } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

export type Shell = (typeof SHELLS)[number]

/** Adds the command; it prints what the program knows at the moment it is called. */
export function addCompletion(program: Command, write: (text: string) => unknown): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => void write(completionScript(shell, program)))
}

/** One place on the command line, and the words that may follow it. */
interface Place {
  /** The commands in front, e.g. `policy check`; empty behind the program's name. */
  readonly path: string
  readonly commands: readonly Word[]
  readonly options: readonly Word[]
}

interface Word {
  readonly text: string
  readonly description: string
}

/** The script; it is written for the program's name, which it does not run. */
export function completionScript(shell: Shell, program: Command): string {
  const places = placesOf(program, '')
  return SCRIPTS[shell](program.name(), places)
}

function word(text: string, description: string): Word {
  return { text, description: description.replaceAll(/\s+/g, ' ') }
}

function placesOf(command: Command, path: string): Place[] {
  const shown = command.createHelp()
  const commands = shown.visibleCommands(command).filter((each) => each.name() !== 'help')
  return [
    {
      path,
      commands: commands.map((each) => word(each.name(), each.description())),
      options: shown
        .visibleOptions(command)
        .flatMap(({ long, description }) =>
          long === undefined || long === null ? [] : [word(long, description)],
        ),
    },
    ...commands.flatMap((each) => placesOf(each, `${path} ${each.name()}`.trim())),
  ]
}

/** In single quotes, as all three shells read it. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

const words = ({ commands, options }: Place) => [...commands, ...options]

/** Lines of a `case` that follow the typed words from place to place. */
function steps(places: readonly Place[]): string {
  return places
    .filter(({ path }) => path !== '')
    .map(({ path }) => {
      const at = path.lastIndexOf(' ')
      const [before, last] = at < 0 ? ['', path] : [path.slice(0, at), path.slice(at + 1)]
      return `      ${quoted(`${before}|${last}`)}) at=${quoted(path)} ;;\n`
    })
    .join('')
}

const SCRIPTS: Readonly<Record<Shell, (program: string, places: readonly Place[]) => string>> = {
  bash: (program, places) => `# ${program}: eval "$(${program} completion bash)"
_${name(program)}() {
  local at='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at|$word" in
${steps(places)}    esac
  done
  case "$at" in
${places
  .map(
    (place) =>
      `    ${quoted(place.path)}) words=${quoted(
        words(place)
          .map(({ text }) => text)
          .join(' '),
      )} ;;\n`,
  )
  .join('')}  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${name(program)} ${program}
`,
  zsh: (program, places) => `#compdef ${program}
# eval "$(${program} completion zsh)", or this as _${program} in a directory of $fpath
_${name(program)}() {
  local at='' word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at|$word" in
${steps(places)}    esac
  done
  case "$at" in
${places
  .map((place) => {
    const pairs = words(place).map(({ text, description }) =>
      quoted(`${text}:${description.replaceAll(/[\\:]/g, '\\$&')}`),
    )
    return `    ${quoted(place.path)}) found=(${pairs.join(' ')}) ;;\n`
  })
  .join('')}  esac
  _describe ${quoted(program)} found || _files
}
compdef _${name(program)} ${program}
`,
  fish: (program, places) => `# ${program}: ${program} completion fish | source
${places
  .flatMap((place) => {
    const condition = conditionOf(place)
    const start = `complete -c ${program} -n ${quoted(condition)}`
    return [
      ...place.commands.map(
        ({ text, description }) => `${start} -f -a ${quoted(text)} -d ${quoted(description)}\n`,
      ),
      ...place.options.map(
        ({ text, description }) =>
          `${start} -l ${quoted(text.slice(2))} -d ${quoted(description)}\n`,
      ),
    ]
  })
  .join('')}`,
}

/** That the commands of the place were typed, and none of those that follow it. */
function conditionOf({ path, commands }: Place): string {
  const typed =
    path === '' ? [] : path.split(' ').map((each) => `__fish_seen_subcommand_from ${each}`)
  const next = commands.map(({ text }) => text).join(' ')
  const none = next === '' ? [] : [`not __fish_seen_subcommand_from ${next}`]
  return [...typed, ...none].join('; and ') || 'true'
}

function name(program: string): string {
  return program.replaceAll('-', '_')
}
