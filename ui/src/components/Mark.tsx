/** The mark: a film reel with five holes whose film runs up as the stem of a b (assets/icons/mark.svg). */
const OUTLINE =
  "M9 3V38A25 25 0 1 0 17 19.67V3zM27.8 23.2a6.2 6.2 0 1 0 12.4 0a6.2 6.2 0 1 0 -12.4 0zM41.88 33.43a6.2 6.2 0 1 0 12.4 0a6.2 6.2 0 1 0 -12.4 0zM36.5 49.97a6.2 6.2 0 1 0 12.4 0a6.2 6.2 0 1 0 -12.4 0zM19.1 49.97a6.2 6.2 0 1 0 12.4 0a6.2 6.2 0 1 0 -12.4 0zM13.72 33.43a6.2 6.2 0 1 0 12.4 0a6.2 6.2 0 1 0 -12.4 0zM30.8 38a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0 -6.4 0z";

export function Mark({ size = 26 }: { size?: number }) {
  return (
    <svg viewBox="0 0 64 64" width={size} height={size} aria-hidden>
      <path fill="var(--accent)" fillRule="evenodd" d={OUTLINE} />
    </svg>
  );
}
