/*
 * Connections that a sign-in taints (connections.md, invariant I9). Clients 0 and 1 sign in by connection,
 * client 2 never does. SPIN explores all runs.
 */
#define CLIENTS 3
#define CONNECTIONS 3
#define NONE 99
#define SHARED 10

/* Requests. OPEN_: answered to each client. TICKET: 401 unless the connection is signed in. */
#define OPEN_ 0
#define TICKET 1
#define FIRST 2   /* NTLM, first message */
#define LAST 3    /* NTLM, last message */
#define ONLY 4    /* Kerberos, one message */
#define BEARER 5

/* Planted faults. */
#define BINDS_TOO_LATE 1
#define BINDS_ON_CHALLENGE_ONLY 2
#define GIVES_BACK_AFTER_ABORT 3
#define BINDS_ON_CREDENTIAL_ONLY 4

byte planted;

typedef Connection {
  bool open;
  byte owner;   /* SHARED, or a client */
  byte user;    /* whom the pool signed in, or NONE */
  byte begun;   /* who began a handshake, or NONE */
  bool busy
}

Connection connection[CONNECTIONS];
bool bound[CLIENTS];
bool challenged[CLIENTS];
bool inHandshake[CLIENTS];
bool busy[CLIENTS];
byte what[CLIENTS];
byte on[CLIENTS];

#define signsIn(w) ((w) == FIRST || (w) == LAST || (w) == ONLY)
#define isOwn(c, k) (connection[k].open && connection[k].owner == c)
#define isFree(k) (connection[k].open && connection[k].owner == SHARED && !connection[k].busy)
inline close(k) {
  connection[k].open = false;
  connection[k].owner = NONE;
  connection[k].user = NONE;
  connection[k].begun = NONE;
  connection[k].busy = false
}

/* Client c sends request w on connection k, which the proxy opens for owner o if it is not open. */
inline send(c, w, k, o) {
  if
  :: connection[k].open
  :: else -> connection[k].open = true; connection[k].owner = o
  fi;
  /* I9: a sign-in, and all that follows it, has a connection of its own. */
  assert(connection[k].owner == c || connection[k].owner == SHARED && !signsIn(w) && !challenged[c]);
  connection[k].busy = true;
  busy[c] = true;
  what[c] = w;
  on[c] = k
}

#define isChallenged(c) (what[c] == FIRST || what[c] == LAST && connection[on[c]].begun != c || what[c] == TICKET && connection[on[c]].user == NONE)

inline answer(c) {
  if
  :: isChallenged(c) ->
    if
    :: what[c] == FIRST -> connection[on[c]].begun = c; inHandshake[c] = true
    :: what[c] == LAST -> inHandshake[c] = false
    :: else
    fi;
    challenged[c] = true;
    bound[c] = bound[c] || planted != BINDS_ON_CREDENTIAL_ONLY
  :: else ->
    if
    :: what[c] == LAST -> connection[on[c]].user = c; inHandshake[c] = false
    :: what[c] == ONLY -> connection[on[c]].user = c
    :: else
    fi;
    assert(connection[on[c]].user == NONE || connection[on[c]].user == c)
  fi;
  connection[on[c]].busy = false;
  /* A shared connection with a challenge is never lent again. */
  if
  :: connection[on[c]].owner == SHARED && (isChallenged(c) || signsIn(what[c])) && planted == 0 -> close(on[c])
  :: else
  fi;
  busy[c] = false;
  what[c] = 0;
  on[c] = 0
}

inline leave(c) {
  for (i : 0 .. CONNECTIONS - 1) {
    if
    :: busy[c] && on[c] == i && connection[i].open && planted == GIVES_BACK_AFTER_ABORT -> connection[i].owner = SHARED; connection[i].busy = false
    :: busy[c] && on[c] == i && planted != GIVES_BACK_AFTER_ABORT -> close(i)
    :: !(busy[c] && on[c] == i) && isOwn(c, i) -> close(i)
    :: else
    fi
  }
  bound[c] = false;
  challenged[c] = false;
  inHandshake[c] = false;
  busy[c] = false;
  what[c] = 0;
  on[c] = 0
}

hidden short i;

#define kind(c, w) (c == 2 -> (w == OPEN_ || w == BEARER) : (inHandshake[c] -> (w == LAST || w == OPEN_ || w == BEARER) : (w == TICKET || w == FIRST && c == 0 || w == ONLY || w == OPEN_)))

init {
  byte c;
  byte w;
  byte k;
  byte o;
  d_step {
    c_code { now.planted = getenv("PLANTED") ? atoi(getenv("PLANTED")) : 0; };
    for (i : 0 .. CONNECTIONS - 1) { close(i) }
    skip
  }
  do
  :: atomic {
      select(c : 0 .. 2);
      if
      :: !busy[c] ->
        select(w : 0 .. 5);
        select(k : 0 .. 2);
        kind(c, w) && !connection[k].busy;
        o = SHARED;
        if
        :: (bound[c] && planted != BINDS_TOO_LATE) || (signsIn(w) && planted != BINDS_ON_CHALLENGE_ONLY && planted != BINDS_TOO_LATE) -> o = c
        :: bound[c] && planted == BINDS_TOO_LATE -> o = c
        :: else
        fi;
        /* One own connection for each client. */
        !connection[k].open || connection[k].owner == o;
        connection[k].open || o == SHARED || !(isOwn(c, 0) || isOwn(c, 1) || isOwn(c, 2));
        d_step { bound[c] = bound[c] || o == c || (planted == BINDS_TOO_LATE && signsIn(w)); send(c, w, k, o); c = 0; w = 0; k = 0; o = 0 }
      :: busy[c] -> d_step { answer(c); c = 0; w = 0; k = 0; o = 0 }
      :: d_step { leave(c); c = 0; w = 0; k = 0; o = 0 }
      fi
    }
  :: atomic { select(k : 0 .. 2); connection[k].open && !connection[k].busy -> d_step { close(k); k = 0 } }
  od
}
