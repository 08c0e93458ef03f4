export function locateFirefox(): string | undefined;
