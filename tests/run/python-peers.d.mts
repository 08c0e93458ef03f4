export declare const PYTHON: string;
export declare function pythonOf(kind: string): string;
