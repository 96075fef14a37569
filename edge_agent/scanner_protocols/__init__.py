"""What barcode scanners speak on a serial line: pure codecs, and the conversations made of them."""
