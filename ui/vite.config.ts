import react from "@vitejs/plugin-react";
import { createReadStream, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Serves what scripts/demo-media.sh made; in the demo mode only. */
function demoMedia(): Plugin {
  const folder = join(import.meta.dirname, "node_modules/.demo");
  const types: Record<string, string> = { mp4: "video/mp4", jpg: "image/jpeg", json: "application/json" };
  return {
    name: "demo-media",
    configureServer(server) {
      server.middlewares.use("/.demo", (request, response, next) => {
        const name = /^\/([\w.]+)$/.exec(request.url ?? "")?.[1];
        const file = name === undefined ? "" : join(folder, name);
        if (!existsSync(file)) {
          next();
          return;
        }
        const size = statSync(file).size;
        const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
        const start = Number(range?.[1] ?? 0);
        const end = range?.[2] ? Number(range[2]) : size - 1;
        response.writeHead(range ? 206 : 200, { "Content-Type": types[file.split(".").pop() ?? ""] ?? "application/octet-stream", "Accept-Ranges": "bytes", "Content-Length": end - start + 1, "Content-Range": `bytes ${start}-${end}/${size}` });
        createReadStream(file, { start, end }).pipe(response);
      });
    },
  };
}

export default defineConfig(({ mode }) => ({
  plugins: [react(), ...(mode === "demo" ? [demoMedia()] : [])],
  // Built files are served from the root by the loopback server and by the window alike.
  base: "/",
  // Nothing inlined: the server allows fonts and pictures from its own origin, not from data addresses.
  build: { target: "es2022", outDir: "dist", assetsInlineLimit: 0, chunkSizeWarningLimit: 1200 },
  server: { port: 5173, strictPort: true, host: "127.0.0.1" },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
}));
