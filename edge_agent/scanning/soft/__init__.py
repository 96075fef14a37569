"""The own QR reader: finds a code that other decoders gave up on, learns its blur, and lets its check codewords decide."""
