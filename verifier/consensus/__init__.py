"""Why a header is believed."""
