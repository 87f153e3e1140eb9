import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  // Built files are served from the root by the loopback server and by the window alike.
  base: "/",
  build: { target: "es2022", outDir: "dist", chunkSizeWarningLimit: 1200 },
  server: { port: 5173, strictPort: true, host: "127.0.0.1" },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
