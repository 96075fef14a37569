"""From a camera frame to the bytes of a code. Pure over images."""
