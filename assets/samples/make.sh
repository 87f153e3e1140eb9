#!/usr/bin/env bash
# Makes welcome.mp4: a reel that turns, and a voice the basic engine hears well. Needs ffmpeg with flite and libx264.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Plain words that a small dictionary holds; the pauses give the voice detector something to find.
say() { ffmpeg -v error -f lavfi -i "flite=voice=slt:text='$1'" -ar 22050 -ac 1 "$2" -y; }
say "welcome to the library." "$work/1.wav"
say "every film is written down word for word." "$work/2.wav"
say "you can search for anything that was said, and go back to that second." "$work/3.wav"
say "nothing is ever lost." "$work/4.wav"
ffmpeg -v error -i "$work/1.wav" -i "$work/2.wav" -i "$work/3.wav" -i "$work/4.wav" -filter_complex \
  "[0]adelay=700,apad=pad_dur=0.6[a];[1]apad=pad_dur=0.7[b];[2]apad=pad_dur=0.7[c];[3]apad=pad_dur=0.8[d];[a][b][c][d]concat=n=4:v=0:a=1,loudnorm=I=-18:TP=-2" \
  -ar 44100 "$work/voice.wav" -y
length=$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$work/voice.wav")

# A reel of five holes on graphite: r and a are the polar coordinates of a pixel, turning with time.
reel="st(0,hypot(X-W*0.5,Y-H*0.46));st(1,atan2(Y-H*0.46,X-W*0.5)-T*0.9);\
st(2,mod(ld(1)+4*PI,2*PI/5)-PI/5);st(3,hypot(ld(0)*cos(ld(2))-62,ld(0)*sin(ld(2))));\
st(4,clip(104-ld(0),0,1)*clip(ld(3)-22,0,1)*clip(abs(ld(0)-12)-4,0,1))"
ffmpeg -v error -f lavfi -i "color=c=black:s=640x360:r=20:d=$length,format=gbrp" -i "$work/voice.wav" -filter_complex \
  "[0]geq=r='$reel;34+ld(4)*(221-40*ld(0)/104)-14*Y/H':g='$reel;36+ld(4)*(144-36*ld(0)/104)-14*Y/H':b='$reel;42+ld(4)*(42-30*ld(0)/104)-14*Y/H'[reel];\
[1]asplit[voice][seen];[seen]showwaves=s=640x60:mode=cline:rate=20:colors=0xffb454,format=rgba,colorchannelmixer=aa=0.8[wave];\
[reel][wave]overlay=0:292:format=gbrp,format=yuv420p[picture]" \
  -map "[picture]" -map "[voice]" -c:v libx264 -preset slow -crf 27 -c:a aac -b:a 80k -movflags +faststart \
  -metadata title="Welcome to Bobina" -fflags +bitexact -shortest welcome.mp4 -y
