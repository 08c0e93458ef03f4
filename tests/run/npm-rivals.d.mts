export const NPM_RIVALS: string;
