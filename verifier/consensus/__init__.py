"""Why a header is believed.

Two ways: the sync-committee light client, from a beacon checkpoint (the modules below), and `weaker`, where the checker
or its endpoints name a block hash.

**The light client**, pure: times, objects and configuration are arguments, and every step returns a new frozen value.

    config = consensus_of(chain_id)                                networks: mainnet, Sepolia, Hoodi, Gnosis, Chiado
    config = parse_config(spec, chain_id, genesis)                 networks: a devnet, from its /config/spec and /genesis data
    boot   = parse_bootstrap(config, version, data)                parse: decoded JSON (plain dict, str, list)
    update = parse_update(config, version, data)                   parse; also parse_finality_update, parse_optimistic_update
    boot   = decode_bootstrap(config, fork, ssz)                   parse: SSZ; also decode_update, decode_finality_update, …
    parts  = decode_updates(config, octets)                        parse: the octet stream of `light_client/updates`
    state  = start(checkpoint, boot, config, now)                  bootstrap: LightClientState, or a refusal
    state  = advance(state, update, now)                           advance: check everything, then change; NothingNew if older
    beacon = finalized_beacon(state) / attested_beacon(state)      light_client: ProvenBeacon, with anchor and participation
    header = execution_header(beacon, rlp, network)                execution: ProvenHeader
    sealed = to_bytes(state); state = from_bytes(sealed, config)   sealed: canonical bytes without points; the caller seals
    ssz    = encode_update(update)                                 containers: each object in its newest form, for evidence

Objects of older forks are raised to the newest form when they are parsed, so that all that follows has one code path.
"""
