"""Run by the peer's own interpreter: the pure-Python ``osdp`` panel installs a reader of ours, and prints what it hears, one JSON a line.

Arguments: serial device, address. It ends when its standard input does.
"""

import json
import sys
import threading

import osdp


class Panel(osdp.ControlPanel):
    def on_raw_card_data_reply_received(self, address, raw_card_data):
        tell(card=[raw_card_data.format_code.value, raw_card_data.bit_count, raw_card_data.data.hex()])

    def on_keypad_data_reply_received(self, address, keypad_data):
        tell(keys=keypad_data.data.hex())

    def on_local_status_report_reply_received(self, address, local_status):
        tell(tamper=local_status.tamper)


def tell(**said):
    print(json.dumps(said), flush=True)


def main():
    device, address = sys.argv[1], int(sys.argv[2])
    panel = Panel(master_key=bytes(range(16, 32)))
    line = panel.start_connection(osdp.SerialPortOsdpConnection(port=device, baud_rate=9600))
    panel.add_device(line, address, use_crc=True, use_secure_channel=True)
    reader = panel._buses[line]._configured_devices[address]
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    told = False
    while not ended.wait(0.05):
        if not told and reader.is_security_established and not reader.is_scbkd:
            told = True
            tell(secure=True, key=reader._secure_channel.scbk.hex())
    panel.shutdown()


main()
