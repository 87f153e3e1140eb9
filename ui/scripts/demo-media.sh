#!/usr/bin/env bash
# Makes the media that the demo mode shows, from ffmpeg's own sources, into node_modules/.demo.
set -eu
out="$(dirname "$0")/../node_modules/.demo"; mkdir -p "$out"; cd "$out"
quiet=(-hide_banner -loglevel error -y)
[ -f clip.mp4 ] || ffmpeg "${quiet[@]}" -f lavfi -i "mandelbrot=size=960x540:rate=25:start_scale=1.5:end_scale=0.05:end_pts=1500" -f lavfi -i "sine=220:duration=60" -t 60 -c:v libx264 -preset veryfast -crf 30 -pix_fmt yuv420p -c:a aac -shortest clip.mp4
[ -f strip.jpg ] || ffmpeg "${quiet[@]}" -i clip.mp4 -vf "fps=1/3,scale=160:90,tile=20x1" -frames:v 1 strip.jpg
for i in 0 1 2 3 4 5; do [ -f "poster$i.jpg" ] || ffmpeg "${quiet[@]}" -ss "$((i * 9 + 3))" -i clip.mp4 -vf "hue=h=$((i * 55)),scale=640:360" -frames:v 1 "poster$i.jpg"; done
[ -f wave.json ] || node -e 'const p=[];for(let i=0;i<4000;i++)p.push(Math.round(255*Math.min(1,Math.abs(Math.sin(i*.013)*Math.sin(i*.37)*.6+Math.random()*.4))));require("fs").writeFileSync("wave.json",JSON.stringify({version:1,per_second:66,peaks:p}))'
