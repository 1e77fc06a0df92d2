"""The host's end of the wire: what a sandbox sends is checked before it is believed."""
