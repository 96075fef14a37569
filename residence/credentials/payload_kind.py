from typing import Literal
PayloadKind = Literal["card-qr", "vneid", "health-card", "vietqr", "scanner-setup", "unknown"]
