/** A picture of a media, or a quiet stand-in by its kind when there is none (sound, or not made yet). */
import { AudioLines, File, Film, Image, Link } from "lucide-react";
import { useState } from "react";
import css from "./Poster.module.css";

const ICONS = { video: Film, audio: AudioLines, image: Image, link: Link, file: File };
export type PosterKind = keyof typeof ICONS;

export function Poster({ src, kind, small }: { src: string | null; kind: PosterKind; small?: boolean }) {
  const [broken, setBroken] = useState<string | null>(null);
  const Icon = ICONS[kind];
  return (
    <span className={`${css.poster} ${small ? css.small : ""}`}>
      {src !== null && broken !== src ? <img src={src} alt="" loading="lazy" decoding="async" draggable={false} onError={() => setBroken(src)} /> : <Icon size={small ? 16 : 28} strokeWidth={1.4} aria-hidden />}
    </span>
  );
}
