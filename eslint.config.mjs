import js from "@eslint/js";
import globals from "globals";
import tseslint from "typescript-eslint";

/** One side may not import these folders. */
function forbid(patterns, message) {
    return {
        "no-restricted-imports": ["error", { patterns: [{ group: patterns, message }] }],
    };
}

export default tseslint.config(
    { ignores: ["out", "dist", "native", "node_modules", ".vscode-test"] },
    js.configs.recommended,
    {
        files: ["**/*.mjs", "media/**/*.js"],
        languageOptions: { globals: globals.node },
    },
    {
        files: ["**/*.ts"],
        extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
        languageOptions: {
            parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
        },
        rules: {
            "@typescript-eslint/restrict-template-expressions": [
                "error",
                { allowNumber: true, allowBoolean: true },
            ],
            "@typescript-eslint/switch-exhaustiveness-check": "error",
            "@typescript-eslint/no-confusing-void-expression": [
                "error",
                { ignoreArrowShorthand: true },
            ],
            "@typescript-eslint/consistent-type-imports": "error",
            eqeqeq: "error",
        },
    },
    {
        files: ["server/**/*.ts"],
        rules: {
            "no-console": "error",
            ...forbid(["vscode", "**/extension/**"], "The backend knows nothing of VS Code."),
        },
    },
    {
        files: ["server/protocol.ts"],
        rules: forbid(
            ["*", "!vscode-jsonrpc"],
            "The protocol imports nothing but the JSON-RPC library.",
        ),
    },
    {
        files: ["extension/**/*.ts"],
        rules: {
            "no-console": "error",
            ...forbid(
                [
                    "**/server/**",
                    "!**/server/protocol",
                    "!**/server/launch",
                    "!**/server/sizes",
                    "!**/server/doctor",
                    "!**/server/doctor/diagnosis",
                ],
                "Of the backend the extension knows the protocol, how to start it, how sizes are written, and what findings mean.",
            ),
        },
    },
    {
        files: ["test/**/*.ts"],
        rules: {
            "@typescript-eslint/no-non-null-assertion": "off",
            // node:test's `test` and `suite` return promises that its runner waits for.
            "@typescript-eslint/no-floating-promises": [
                "error",
                {
                    allowForKnownSafeCalls: [
                        {
                            from: "package",
                            package: "node:test",
                            name: ["test", "suite", "describe", "it"],
                        },
                    ],
                },
            ],
        },
    },
);
