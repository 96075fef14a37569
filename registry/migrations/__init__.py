"""How the registry's tables came to be; applied by ``luutru registry upgrade``."""
