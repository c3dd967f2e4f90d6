"""Why a header is believed.

Two ways: the sync-committee light client, from a beacon checkpoint (the modules below), and `weaker`, where the checker
or its endpoints name a block hash.

**The light client** is pure: times, objects and configuration are arguments, and every step returns a new frozen value.

    config = consensus_of(chain_id)                  networks: mainnet, Sepolia, Hoodi, Gnosis, Chiado
    config = parse_config(spec, genesis, chain_id)   networks: a devnet, from what /config/spec and /genesis answer
    boot   = parse_bootstrap(config, version, data)  parse: decoded JSON; also parse_update, parse_finality_update, …
    boot   = decode_bootstrap(config, fork, ssz)     parse: SSZ; also decode_update, decode_finality_update, …
    many   = decode_updates(config, octets)          parse: the octet stream of `light_client/updates`
    state  = start(checkpoint, boot, config, now)    bootstrap: a LightClientState, or a refusal
    state  = advance(state, update, now)             advance: checks everything, then changes; NothingNew if it is older
    beacon = finalized_beacon(state)                 light_client: ProvenBeacon; also attested_beacon(state)
    header = execution_header(beacon, rlp, network)  execution: ProvenHeader
    sealed = to_bytes(state)                         sealed: canonical bytes without points, for the caller to seal
    state  = from_bytes(sealed, config)              sealed: and back
    ssz    = encode_update(update)                   containers: any object in its newest form, for evidence

Objects of older forks are raised to the newest form when they are parsed, so that all that follows has one code path.
"""
