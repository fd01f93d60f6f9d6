/* Replays runs of the scheduler in the model of limit.pml. test/models/limit-runs.ts writes them. */
#include "trace.pml"

hidden int op;
hidden int a;
hidden int b;
hidden int d;
hidden int e;

#define idle (outstanding == polls)

inline learnNothing() {
  paused = false;
  value = START;
  ceiling = NONE;
  sizeCap = NONE;
  isMet = false;
  inDoubt = false;
  trialRuns = false;
  trialBegan = false;
  probeIsOut = false;
  probeDue = false
}

init {
  do
  :: operation(op);
    if
    :: op == '!' -> break
    :: op == 'N' -> /* a call arrives: its number, whether it is a write */
      number(a); number(b);
      if
      :: stage[a] == NEW -> stage[a] = HELD; write[a] = b
      :: else -> refuse(op)
      fi
    :: op == 'S' -> /* a request is sent: its number, its parts, whether it is a probe, its calls */
      number(a); number(b); number(d);
      if
      :: !request[a].inFlight && canSend(b, d) ->
        send(a, b, d);
        do
        :: b > 0 && !isRefused ->
          number(e);
          b--;
          if
          :: stage[e] == HELD -> put(e, a)
          :: else -> refuse(op)
          fi
        :: else -> break
        od
      :: else -> refuse(op)
      fi
    :: op == 'E' -> /* a request ends: its number, its result, the learned limit after that */
      number(a); number(b); number(d);
      if
      :: request[a].inFlight -> end(a, b)
      :: else -> refuse(op)
      fi;
      if
      :: !isRefused && value != d -> refuse(op)
      :: else
      fi
    :: op == 'Q' -> /* a call returns to its queue: its number, the result of its request */
      number(a); number(b);
      if
      :: canReturn(a, b) -> giveBack(a, b)
      :: else -> refuse(op)
      fi
    :: op == 'D' -> /* a call is done: its number */
      number(a);
      if
      :: stage[a] == HELD || stage[a] == SENT || stage[a] == BACK -> finish(a)
      :: else -> refuse(op)
      fi
    :: op == 'P' -> /* the pause ends */
      paused = false
    :: op == 'O' -> /* the trial ends */
      trialRuns = false
    :: op == 'B' -> /* a probe is due */
      probeDue = true
    :: op == 'T' -> /* time passes */
      for (i : 0 .. REQUESTS - 1) { request[i].recent = false }
    :: op == 'F' -> /* the proxy forgets an idle user */
      if
      :: idle -> learnNothing()
      :: else -> refuse(op)
      fi
    :: op == '.' -> /* the run is over */
      for (i : 0 .. CALLS - 1) {
        if
        :: !isRefused && stage[i] != NEW && stage[i] != DONE -> refuse(op)
        :: else
        fi
      }
      if
      :: !isRefused && !idle -> refuse(op)
      :: else
      fi;
      isRefused = false
    :: else -> refuse(op)
    fi;
    if
    :: op == '.' ->
      nextRun();
      learnNothing();
      outstanding = 0;
      for (i : 0 .. CALLS - 1) { stage[i] = NEW; answers[i] = 0; refusals[i] = 0; batch[i] = 0 }
      for (i : 0 .. REQUESTS - 1) { request[i].inFlight = false; request[i].old = false; request[i].recent = false }
    :: else
    fi
  od;
  printf("replayed: %d\n", runNumber)
}
