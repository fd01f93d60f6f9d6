/* Replays runs of the scheduler in the model of release.pml. test/models/release-runs.ts writes them. */
#include "trace.pml"

hidden int op;
hidden int b;
hidden int p;
hidden int d;
hidden short j;

#define open(b) (batch[b] == OPEN)

inline begin(b, size, isWrite) {
  batch[b] = OPEN;
  releasedEarly[b] = false;
  for (j : 0 .. PARTS - 1) {
    part[slot(b, j)] = MISSING;
    caller[slot(b, j)] = (j < size -> WAITS : LEFT);
    answers[slot(b, j)] = 0;
    write[slot(b, j)] = isWrite
  }
}

init {
  do
  :: operation(op);
    if
    :: op == '!' -> break
    :: op == 'B' -> /* a batch is sent: its number, its parts, whether they are writes */
      number(b); number(p); number(d);
      if
      :: !open(b) -> begin(b, p, d)
      :: else -> refuse(op)
      fi
    :: op == 'P' -> /* a part is complete: its batch, its position, whether it may be released early */
      number(b); number(p); number(d);
      if
      :: canArrive(b, p) -> arrive(b, p, d)
      :: else -> refuse(op)
      fi
    :: op == 'G' -> /* the grace of a part is over */
      number(b); number(p);
      if
      :: part[slot(b, p)] == GRACE -> part[slot(b, p)] = DUE
      :: else
      fi
    :: op == 'R' -> /* a part is released early */
      number(b); number(p);
      if
      :: canRelease(b, p) -> release(b, p)
      :: else -> refuse(op)
      fi
    :: op == 'L' -> /* a caller leaves, or gets another answer */
      number(b); number(p);
      if
      :: open(b) && caller[slot(b, p)] == WAITS -> caller[slot(b, p)] = LEFT
      :: else -> refuse(op)
      fi
    :: op == 'E' -> /* a batch ends: its number, its result */
      number(b); number(d);
      if
      :: open(b) -> close(b, d)
      :: else -> refuse(op)
      fi
    :: op == 'A' -> /* a caller gets its part after the end: batch, position, result of the batch */
      number(b); number(p); number(d);
      if
      :: canAnswer(b, p, d) -> answer(b, p)
      :: else -> refuse(op)
      fi
    :: op == 'F' -> /* a caller gets no part */
      number(b); number(p); number(d);
      if
      :: canFail(b, p, d) -> caller[slot(b, p)] = FAILED
      :: else -> refuse(op)
      fi
    :: op == 'Q' -> /* a call returns to its queue */
      number(b); number(p); number(d);
      if
      :: canReturn(b, p, d) -> caller[slot(b, p)] = AGAIN
      :: else -> refuse(op)
      fi
    :: op == '.' -> /* the run is over */
      for (j : 0 .. BATCHES - 1) {
        if
        :: !isRefused && batch[j] == OPEN -> refuse(op)
        :: else
        fi
      }
      isRefused = false
    :: else -> refuse(op)
    fi;
    if
    :: op == '.' ->
      nextRun();
      distrusted = false;
      detected = false;
      for (j : 0 .. BATCHES - 1) { batch[j] = UNUSED }
      for (j : 0 .. SLOTS - 1) { part[j] = MISSING }
    :: else
    fi
  od;
  printf("replayed: %d\n", runNumber)
}
