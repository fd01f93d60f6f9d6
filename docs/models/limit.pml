/*
 * Requeue, learned limit and pause of one user with two devices (limit.md). Without TRACE, SPIN explores
 * all runs within the bounds below. With TRACE, SPIN reads runs of the scheduler from its input, and
 * refuses each step that the model does not allow.
 */
#ifdef TRACE
#define CALLS 100
#define REQUESTS 100
#define START 20
/* A request that is sent at the time of a decrease is not older than the decrease. */
#define RECENT 1
#else
#define CALLS 4
#define REQUESTS 2
#define START 2
#define RECENT 0
#define MAX_PARTS 2
/* The most refusals of one call in any run. */
#define MAX_REFUSALS 3
#endif
#define NONE 30000

/* Stages of a call. BACK: its request has ended, and the proxy has not yet decided about the call. */
#define NEW 0
#define HELD 1
#define SENT 2
#define BACK 3
#define DONE 4

/* Results of a request. */
#define ACCEPTED 1
#define REFUSED 2
#define UNREAD 3
#define UNKNOWN 4
#define TOO_LARGE 5

/* Planted faults. */
#define LIMIT_STAYS 1
#define SLOT_LOST 2
#define CALL_LOST 3
#define PAUSE_OF_ONE_DEVICE 4
#define WRITE_REPEATED 5
#define NEVER_ALONE 6
#ifdef TRACE
#define planted 0
#else
byte planted;
#endif

typedef Request {
  bool inFlight;
  byte parts;
  byte sum;      /* outstanding calls at its dispatch, with its own */
  bool probe;
  bool old;      /* sent before the last decrease */
  bool recent;
  byte pool      /* the result that the pool chose, 0 before */
}

byte stage[CALLS];
byte batch[CALLS];
byte runs[CALLS];
byte answers[CALLS];
byte refusals[CALLS];
bool write[CALLS];
Request request[REQUESTS];

/* The scheduler's state of the user. */
byte outstanding;
byte polls;
byte reserved;
bool paused;
short value = START;
short ceiling = NONE;
short sizeCap = NONE;
bool isMet;
bool inDoubt;
bool trialRuns;
bool trialBegan;
bool probeIsOut;
bool probeDue;

hidden short i;
hidden short believed;

#define MAX(a, b) ((a) > (b) -> (a) : (b))
#define MIN(a, b) ((a) < (b) -> (a) : (b))

#define room (value - reserved - outstanding)
#define isAlone (outstanding == polls)
#define fitsBatch(n) ((n) <= sizeCap && (!isMet || (n) <= (value + 2) / 3))
#define mayProbe(n) (probeDue && !inDoubt && !probeIsOut && value >= ceiling && (n) == value - outstanding + 1)
#define hasRoom(n) (isAlone && (n) <= MAX(1, room) || !isAlone && !trialRuns && (n) <= room)
#define canProbe(n) (!isAlone && !trialRuns && mayProbe(n))
#define canSend(n, isProbe) (!paused && fitsBatch(n) && (!(isProbe) && hasRoom(n) || (isProbe) && canProbe(n)))

/* Call c becomes part of request r. */
inline put(c, r) {
  assert(stage[c] == HELD);
  stage[c] = SENT;
  batch[c] = r
}

inline send(r, n, isProbe) {
  /* The properties that do not depend on how the proxy decided. */
  assert(!paused);
  assert(isAlone && (n == 1 || n + outstanding <= value) || outstanding + n <= value + isProbe);
  outstanding = outstanding + n;
  request[r].inFlight = true;
  request[r].parts = n;
  request[r].sum = outstanding;
  request[r].probe = isProbe;
  request[r].old = false;
  request[r].recent = RECENT;
  request[r].pool = 0;
  if
  :: isProbe -> probeIsOut = true; probeDue = false
  :: else
  fi;
  if
  :: inDoubt && !trialBegan -> trialBegan = true; trialRuns = true
  :: else
  fi
}

inline halveSize(n) {
  sizeCap = MAX(1, MIN(sizeCap, (n + 1) / 2))
}

inline learnAccepted(r) {
  if
  :: request[r].old
  :: else ->
    inDoubt = false;
    trialRuns = false;
    if
    :: request[r].parts >= sizeCap -> sizeCap++
    :: else
    fi;
    if
    :: request[r].probe -> ceiling = NONE
    :: else
    fi;
    if
    :: request[r].sum * 2 >= value && ceiling == NONE -> value = MAX(value + request[r].parts, request[r].sum)
    :: request[r].sum * 2 >= value && value < ceiling -> value++
    :: else
    fi
  fi
}

inline learnRefused(r) {
  if
  :: request[r].sum <= request[r].parts -> halveSize(request[r].parts)
  :: else
  fi;
  if
  :: request[r].old
  :: else ->
    believed = MIN(value, request[r].sum);
    if
    :: planted == LIMIT_STAYS
    :: else ->
      ceiling = MAX(1, request[r].sum - 1);
      value = MAX(1, believed - 1);
      if
      :: inDoubt -> value = MAX(1, MIN(value, believed * 7 / 10))
      :: else
      fi
    fi;
    isMet = true;
    inDoubt = true;
    trialRuns = false;
    trialBegan = false;
    probeDue = false;
    paused = true;
    for (i : 0 .. REQUESTS - 1) {
      request[i].old = request[i].old || (request[i].inFlight && !request[i].recent)
    }
  fi;
  assert(value >= 1 && (planted == LIMIT_STAYS || value <= ceiling))
}

/* Request r ends. Its calls wait for the decision of the proxy. */
inline end(r, result) {
  request[r].inFlight = false;
  if
  :: planted == SLOT_LOST && result == REFUSED
  :: else -> outstanding = outstanding - request[r].parts
  fi;
  if
  :: request[r].probe -> probeIsOut = false
  :: else
  fi;
  if
  :: result == ACCEPTED -> learnAccepted(r)
  :: result == REFUSED -> learnRefused(r)
  :: result == TOO_LARGE -> halveSize(request[r].parts)
  :: else
  fi;
  for (i : 0 .. CALLS - 1) {
    if
    :: stage[i] == SENT && batch[i] == r -> stage[i] = BACK; batch[i] = 0
    :: else
    fi
  }
  request[r].parts = 0;
  request[r].sum = 0;
  request[r].probe = false;
  request[r].old = false;
  request[r].recent = false;
  request[r].pool = 0
}

/* A write goes back only if its request certainly did not run. */
#define canReturn(c, result) (stage[c] == BACK && (!write[c] || result == REFUSED || result == UNREAD || result == TOO_LARGE))

inline giveBack(c, result) {
  refusals[c] = refusals[c] + (result == REFUSED);
  stage[c] = HELD
}

inline finish(c) {
  stage[c] = DONE;
  answers[c]++;
  assert(answers[c] == 1)
}

#ifdef TRACE
#include "limit-trace.pml"
#else

/* The pool: calls that it runs, its limit, and the calls of the user that come by another way. */
byte running;
byte capacity;
byte unseen;
byte changes;
byte failures;

/* Calls 0 and 1 are GETs of one device. Calls 2 and 3 are a GET and a write of the other device. */
#define deviceOf(c) ((c) / 2)

hidden short n;
hidden short want;
byte next;

/* Takes the first held calls of a stream: calls `from` to `to`. */
inline trySend(from, to) {
  want = 0;
  for (i : from .. to) { want = want + (stage[i] == HELD) }
  if
  :: want == 0 || r == REQUESTS -> skip
  :: else ->
    want = MIN(want, MAX_PARTS);
    if
    :: isMet -> want = MIN(want, (value + 2) / 3)
    :: else
    fi;
    want = MIN(want, sizeCap);
    isProbe = false;
    n = 0;
    if
    :: paused && !(planted == PAUSE_OF_ONE_DEVICE && deviceOf(from) == 1)
    :: else ->
      if
      :: isAlone && planted != NEVER_ALONE -> n = MIN(want, MAX(1, room))
      :: else ->
        if
        :: trialRuns
        :: else ->
          if
          :: room >= want -> n = want
          :: room < want && mayProbe(value - outstanding + 1) && value - outstanding < want && value >= outstanding ->
            n = value - outstanding + 1;
            isProbe = true
          :: else -> n = MAX(0, room)
          fi
        fi
      fi
    fi;
    if
    :: n > 0 ->
      assert(fitsBatch(n));
      send(r, n, isProbe);
      for (i : from .. to) {
        if
        :: n > 0 && stage[i] == HELD -> put(i, r); n--
        :: else
        fi
      }
    :: else
    fi
  fi
}

#define held(a, b) (stage[a] == HELD || stage[b] == HELD)
#define opened(a, b) ((!paused || planted == PAUSE_OF_ONE_DEVICE && deviceOf(a) == 1) && held(a, b) && (isAlone && planted != NEVER_ALONE || !trialRuns && (room >= 1 || mayProbe(value - outstanding + 1))))

inline freeRequest() {
  r = 0;
  do
  :: r < REQUESTS && request[r].inFlight -> r++
  :: else -> break
  od
}

inline arriveAtPool(r) {
  if
  :: running + request[r].parts <= capacity - unseen ->
    request[r].pool = ACCEPTED;
    running = running + request[r].parts;
    for (i : 0 .. CALLS - 1) {
      if
      :: batch[i] == r && (stage[i] == SENT || stage[i] == DONE && answers[i] == 0 && write[i]) ->
        runs[i]++;
        assert(runs[i] <= 2 - write[i])
      :: else
      fi
    }
  :: else -> request[r].pool = REFUSED
  fi
}

inline settle(r, result) {
  end(r, result);
  for (c : 0 .. CALLS - 1) {
    if
    :: stage[c] == BACK && result == ACCEPTED -> finish(c)
    :: stage[c] == BACK && result == REFUSED && planted == CALL_LOST -> stage[c] = NEW + 9
    :: stage[c] == BACK && result == UNKNOWN && planted == WRITE_REPEATED -> giveBack(c, result)
    :: canReturn(c, result) && result != ACCEPTED ->
      assert(!write[c] || runs[c] == 0);
      giveBack(c, result);
      assert(refusals[c] <= MAX_REFUSALS)
    :: stage[c] == BACK && !canReturn(c, result) && result != ACCEPTED -> finish(c)
    :: else
    fi
  }
}

/* Equal states differ in no local variable. */
inline reset() {
  r = 0;
  c = 0;
  isProbe = false
}

#define allDone (stage[0] + stage[1] + stage[2] + stage[3] == 4 * DONE)

init {
  byte r;
  byte c;
  bool isProbe;
  d_step {
    c_code { now.planted = getenv("PLANTED") ? atoi(getenv("PLANTED")) : 0; };
    write[3] = true
  }
  atomic {
    select(capacity : 1 .. 2);
    select(polls : 0 .. 1);
    reserved = polls;
    outstanding = polls;
    if
    :: capacity > 1 -> unseen = 1
    :: unseen = 0
    fi
  }
  do
  :: next < CALLS -> d_step { stage[next] = HELD; next++ }
  :: opened(0, 1) -> d_step { freeRequest(); trySend(0, 1); reset() }
  :: opened(2, 2) -> d_step { freeRequest(); trySend(2, 2); reset() }
  :: opened(3, 3) -> d_step { freeRequest(); trySend(3, 3); reset() }
  :: atomic {
      if
      :: request[0].inFlight -> r = 0
      :: request[1].inFlight -> r = 1
      fi;
      if
      :: request[r].pool == 0 -> d_step { arriveAtPool(r); reset() }
      :: request[r].pool == REFUSED -> d_step { settle(r, REFUSED); reset() }
      :: request[r].pool == ACCEPTED -> d_step { running = running - request[r].parts; settle(r, ACCEPTED); reset() }
      :: request[r].pool == ACCEPTED && failures < 1 ->
        d_step { failures++; running = running - request[r].parts; settle(r, UNKNOWN); reset() }
      fi
    }
  :: paused -> paused = false
  :: trialRuns -> trialRuns = false
  :: isMet && !probeDue -> probeDue = true
  :: changes < 1 && capacity > 1 -> d_step { unseen = 1 - unseen; changes++ }
  :: allDone && outstanding == polls -> break
  od;
  assert(running == 0)
}
#endif
