import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const tauri = { group: ["@tauri-apps/*"], message: "The window's own functions are reached through api/host.ts only." };
const features = ["activity", "add", "library", "settings", "transcript"];

export default tseslint.config(
  { ignores: ["dist", "node_modules", "src/api/generated", "scripts"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["eslint.config.js"] }, tsconfigRootDir: import.meta.dirname } },
    plugins: { "react-hooks": hooks },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "no-restricted-imports": ["error", { patterns: [tauri] }],
    },
  },
  { files: ["eslint.config.js"], ...tseslint.configs.disableTypeChecked },
  { files: ["src/api/host.tauri.ts"], rules: { "no-restricted-imports": "off" } },
  {
    files: ["src/components/**"],
    rules: { "no-restricted-imports": ["error", { patterns: [tauri, { group: ["**/api/**", "**/features/**", "**/app/**"], message: "A component knows neither the api nor the features." }] }] },
  },
  ...features.map((own) => ({
    files: [`src/features/${own}/**`],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [tauri, { group: [...features.filter((name) => name !== own).flatMap((name) => [`../${name}/*`, `**/features/${name}/**`]), "**/app/**"], message: "A feature imports no other feature and not the shell." }] },
      ],
    },
  })),
);
