"""Why a header is believed.

Two ways: the sync-committee light client, from a beacon checkpoint (the modules below), and `weaker`, where the checker
or its endpoints name a block hash.

**The light client** is pure: times, objects and configuration are arguments, and every step returns a new frozen value.

    config = consensus_of(chain_id)                     networks: mainnet, Sepolia, Hoodi, Gnosis, Chiado
    config = parse_config(spec, genesis, chain_id)      networks: a devnet, from what /config/spec and /genesis answer
    boot   = parse_bootstrap(config, version, data)     parse: decoded JSON; also parse_update, parse_updates (a list),
                                                        parse_finality_update, parse_optimistic_update
    boot   = decode_bootstrap(config, fork, ssz)        parse: SSZ; also decode_update, decode_finality_update, …;
                                                        with fork None: evidence, in the newest form
    many   = decode_updates(config, octets)             parse: the octet stream of `light_client/updates`
    state  = start(checkpoint, boot, config, now)       bootstrap: a LightClientState, or a refusal
    state  = advance(state, update, now)                advance: checks everything, then changes; NothingNew where the
                                                        update is not newer; Misbehaviour where two finals contradict
    state.next_period_wanted                            light_client: the period whose update leads on
    require_fresh(state, now, seconds)                  light_client: TooOld where finality lags
    beacon = finalized_beacon(state)                    light_client: ProvenBeacon; also attested_beacon(state)
    header = execution_header(beacon, rlp, network)     execution: ProvenHeader, from RLP of hash beacon.execution_hash
    sealed = to_bytes(state)                            sealed: canonical bytes without points, for the caller to seal
    state  = from_bytes(sealed, checkpoint, config)     sealed: and back
    ssz    = encode_update(update), encode_bootstrap(b) containers: in the newest form, for evidence; update.kind says
                                                        which container it is in

Objects of older forks are raised to the newest form when they are parsed, so that all that follows has one code path.
"""
