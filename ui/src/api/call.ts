/** Calls of the command table, typed by what the backend generated. Owns the one host of this page. */
import type { Commands } from "./generated/commands";
import type { Host } from "./host";

let current: Host | null = null;

/** Set once, before the first render. */
export function setHost(host: Host): void {
  current = host;
}

export function host(): Host {
  if (current === null) throw new Error("no host has been set");
  return current;
}

export async function call<Name extends keyof Commands>(name: Name, input: Commands[Name]["input"]): Promise<Commands[Name]["output"]> {
  return (await host().call(name, input)) as Commands[Name]["output"];
}
