export declare function pythonOf(kind: string): string;
