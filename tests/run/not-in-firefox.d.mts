export const NOT_IN_FIREFOX: Readonly<Record<string, string>>;
