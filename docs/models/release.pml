/*
 * Release of answers before the count of a batch is confirmed (release.md). Without TRACE, SPIN explores all
 * runs within the bounds below. With TRACE, SPIN reads runs of the scheduler from its input.
 */
#ifdef TRACE
#define BATCHES 40
#define PARTS 20
#else
#define BATCHES 2
#define PARTS 2
#endif
#define SLOTS (BATCHES * PARTS)
#define slot(b, p) ((b) * PARTS + (p))

/* States of a batch. */
#define UNUSED 0
#define OPEN 1
#define OVER 2

/* Results of a batch. The parts of a miscounted response may be in the wrong positions. */
#define COUNTED 1
#define MISCOUNTED 2
#define BROKEN_OFF 3
#define NOT_RUN 4

/* States of a caller. LEFT: it gets nothing more. */
#define WAITS 0
#define ANSWERED 1
#define FAILED 2
#define AGAIN 3
#define LEFT 4

/* States of a part. DUE: the grace is over. */
#define MISSING 0
#define COMPLETE 1
#define GRACE 2
#define DUE 3

/* Planted faults. */
#define FORGIVES 1
#define KEEPS_DUE_PARTS 2
#define NO_GRACE 3
#define ANSWERS_TWICE 4
#define TRUSTS_MISCOUNT 5
#define REPEATS_RELEASED 6

#ifdef TRACE
#define planted 0
#else
byte planted;
#endif

byte batch[BATCHES];
bool releasedEarly[BATCHES];
byte part[SLOTS];
byte caller[SLOTS];
byte answers[SLOTS];
bool write[SLOTS];
bool distrusted;
/* The proxy has seen a wrong count after an early release. */
bool detected;

hidden short i;

/* A part is complete. It may be released early if nothing about it is doubtful. */
inline arrive(b, p, early) {
  if
  :: early && !distrusted -> part[slot(b, p)] = GRACE
  :: else -> part[slot(b, p)] = COMPLETE
  fi
}

#define canArrive(b, p) (batch[b] == OPEN && part[slot(b, p)] == MISSING)
#define canRelease(b, p) (batch[b] == OPEN && caller[slot(b, p)] == WAITS && (part[slot(b, p)] == DUE || planted == NO_GRACE && part[slot(b, p)] == GRACE))

inline release(b, p) {
  releasedEarly[b] = true;
  caller[slot(b, p)] = ANSWERED;
  answers[slot(b, p)]++;
  assert(answers[slot(b, p)] == 1);
  assert(part[slot(b, p)] == DUE);
  assert(!distrusted)
}

inline close(b, result) {
  batch[b] = OVER;
  if
  :: result == MISCOUNTED && releasedEarly[b] && planted != FORGIVES ->
    distrusted = true;
    detected = true;
    for (i : 0 .. SLOTS - 1) {
      if
      :: part[i] >= GRACE && planted != KEEPS_DUE_PARTS -> part[i] = COMPLETE
      :: else
      fi
    }
  :: result == MISCOUNTED && releasedEarly[b] && planted == FORGIVES -> detected = true
  :: else
  fi
}

/* After the end of the batch: a waiting caller gets the part, unless the count was wrong. */
#define canAnswer(b, p, result) (batch[b] == OVER && caller[slot(b, p)] == WAITS && part[slot(b, p)] != MISSING && result != MISCOUNTED)
#define canReturn(b, p, result) (batch[b] == OVER && caller[slot(b, p)] == WAITS && (!write[slot(b, p)] || result == NOT_RUN) && (part[slot(b, p)] == MISSING || result == MISCOUNTED))
#define canFail(b, p, result) (batch[b] == OVER && caller[slot(b, p)] == WAITS && (part[slot(b, p)] == MISSING || result == MISCOUNTED))

inline answer(b, p) {
  caller[slot(b, p)] = ANSWERED;
  answers[slot(b, p)]++;
  assert(answers[slot(b, p)] == 1)
}

#ifdef TRACE
#include "release-trace.pml"
#else
/* The pool: how many parts each response has, whether they are one position off, and how many came. */
byte length[BATCHES];
bool shifted[BATCHES];
byte came[BATCHES];

/* A caller that gets a part of a shifted response gets the answer of another caller. */
inline check(b, isEarly) {
  if
  :: shifted[b] ->
    assert(isEarly);
    assert(!detected)
  :: else
  fi
}

inline settle(b, result) {
  close(b, result);
  for (p : 0 .. PARTS - 1) {
    if
    :: planted == ANSWERS_TWICE && caller[slot(b, p)] == ANSWERED -> answer(b, p)
    :: planted == TRUSTS_MISCOUNT && caller[slot(b, p)] == WAITS && part[slot(b, p)] != MISSING ->
      answer(b, p);
      check(b, false)
    :: planted == REPEATS_RELEASED && caller[slot(b, p)] == ANSWERED -> caller[slot(b, p)] = AGAIN
    :: else ->
      if
      :: canAnswer(b, p, result) -> answer(b, p); check(b, false)
      :: canReturn(b, p, result) -> caller[slot(b, p)] = AGAIN
      :: canFail(b, p, result) && !canReturn(b, p, result) -> caller[slot(b, p)] = FAILED
      :: else
      fi
    fi;
    assert(caller[slot(b, p)] != WAITS);
    assert(answers[slot(b, p)] == (caller[slot(b, p)] == ANSWERED) || caller[slot(b, p)] == LEFT);
    part[slot(b, p)] = MISSING
  }
}

#define isOver(b) (came[b] == length[b])

/* A batch runs to its end. It begins whenever the scheduler sends it. */
proctype Batch(byte b) {
  byte p;
  atomic {
    batch[b] == UNUSED;
    if
    :: length[b] = PARTS
    /* One part is missing, so the others are one position off. */
    :: length[b] = PARTS - 1; shifted[b] = true
    /* One part is too many, and the first one belongs to no call. */
    :: length[b] = PARTS + 1; shifted[b] = true
    fi;
    write[slot(b, 0)] = (b == 1);
    write[slot(b, 1)] = (b == 1);
    batch[b] = OPEN
  }
  do
  :: atomic { batch[b] == OPEN && !isOver(b) ->
      if
      :: came[b] < PARTS -> p = came[b]; arrive(b, p, true)
      :: came[b] < PARTS -> p = came[b]; arrive(b, p, false)
      :: else
      fi;
      came[b]++;
      p = 0
    }
  :: atomic { part[slot(b, 0)] == GRACE && batch[b] == OPEN -> part[slot(b, 0)] = DUE }
  :: atomic { part[slot(b, 1)] == GRACE && batch[b] == OPEN -> part[slot(b, 1)] = DUE }
  :: d_step { canRelease(b, 0) -> release(b, 0); check(b, true) }
  :: d_step { canRelease(b, 1) -> release(b, 1); check(b, true) }
  /* The caller leaves, or a hedged request answers it. */
  :: d_step { batch[b] == OPEN && caller[slot(b, 1)] == WAITS -> caller[slot(b, 1)] = LEFT }
  :: d_step { batch[b] == OPEN && isOver(b) && length[b] == PARTS -> settle(b, COUNTED); p = 0 }
  :: d_step { batch[b] == OPEN && isOver(b) && length[b] != PARTS -> settle(b, MISCOUNTED); p = 0 }
  :: d_step { batch[b] == OPEN && !isOver(b) && !shifted[b] -> settle(b, BROKEN_OFF); p = 0 }
  :: batch[b] == OVER -> break
  od
}

init {
  d_step {
    c_code { now.planted = getenv("PLANTED") ? atoi(getenv("PLANTED")) : 0; };
  }
  atomic {
    run Batch(0);
    run Batch(1)
  }
}
#endif
