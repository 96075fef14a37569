"""A bare MQTT v5 client with a kiosk's certificate: for what a broker does, without anything of ours in between."""

from __future__ import annotations

import time

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


class BareKiosk:
    """Connected when made. ``codes``: the broker's answers by message id; ``heard``: topics and payloads; ``ended``: why it was cut."""

    def __init__(
        self, broker, name, *, client_id=None, identity=None, session_seconds=0, clean=False, receive_maximum=None, keepalive=30
    ):
        self.codes, self.heard, self.ended = {}, [], None
        self.connack, self.session_present = None, None
        self.subscribed = []
        self.heard_with = []  # the properties of what was heard
        identity = identity or broker.pki.kiosk(name)
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id or name,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=receive_maximum is not None,
        )
        self.client.tls_set(str(identity.ca), str(identity.certificate), str(identity.key))
        self.client.on_connect = self._connected
        self.client.on_disconnect = lambda _c, _u, flags, reason, _p: self._cut(flags, reason)
        self.client.on_publish = lambda _c, _u, mid, reason, _p: self.codes.__setitem__(mid, reason.value)
        self.client.on_subscribe = lambda _c, _u, _mid, reasons, _p: self.subscribed.extend(each.value for each in reasons)
        self.client.on_message = lambda _c, _u, message: self._heard(message)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = session_seconds
        if receive_maximum:
            properties.ReceiveMaximum = receive_maximum
        self.client.connect(broker.host, broker.port, keepalive=keepalive, clean_start=clean, properties=properties)
        self.client.loop_start()
        wait_for(lambda: self.connack is not None or self.ended is not None)

    @classmethod
    def may_connect(cls, broker, name, *, client_id=None):
        """Tell whether the broker takes this certificate now."""
        try:
            kiosk = cls(broker, name, client_id=client_id, clean=True)
        except OSError:
            return False
        taken = kiosk.connack == 0
        kiosk.close()
        return taken

    @property
    def connected(self):
        return self.client.is_connected()

    def subscribe(self, *filters, qos=1):
        before = len(self.subscribed)
        self.client.subscribe([(each, qos) for each in filters])
        wait_for(lambda: len(self.subscribed) > before)

    def send(self, topic, payload, *, retain=False):
        """Publish at QoS 1 and return the reason code; None when the broker hung up instead."""
        info = self.client.publish(topic, payload, qos=1, retain=retain)
        wait_for(lambda: info.mid in self.codes or self.ended is not None)
        return self.codes.get(info.mid)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def _connected(self, _client, _userdata, flags, reason, properties):
        self.session_present, self.properties = flags.session_present, properties
        self.connack = reason.value

    def _heard(self, message):
        self.heard_with.append(message.properties)
        self.heard.append((message.topic, message.payload))

    def _cut(self, flags, reason):
        self.ended = reason.value if flags.is_disconnect_packet_from_server else "hung up"
