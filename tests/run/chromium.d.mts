export function locateChromium(): string | undefined;
export function findChromium(): string;
