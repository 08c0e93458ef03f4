export const ON_EJABBERD: string[];
