// The command that puts an agent on a host. What a person pastes must not depend on what a shell does with it.

/** Quotes for a POSIX shell. */
export const shellQuoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** Writes the token where only root can read it, and starts the agent with it; the shell's history holds no secret. */
export function joinCommand(collector: string, token: string): string {
  return [
    'sudo install -d -m 700 /var/lib/orchestrix',
    `printf '%s\\n' ${shellQuoted(token)} | sudo install -m 600 /dev/stdin /var/lib/orchestrix/join.token`,
    `sudo orchestrix-agent run --collector ${shellQuoted(collector)} --token-file /var/lib/orchestrix/join.token`,
  ].join(' && \\\n  ');
}

/** Where agents find the collector: the host in the address bar, unless that is only this machine. */
export function collectorAddress(hostname: string, port: number | null): string {
  const host = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname;
  return `${host}:${port ?? 7443}`;
}
