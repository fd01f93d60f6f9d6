/* Reads steps from the input: a letter, and numbers that one space separates. A line "." ends a run. */
chan STDIN;
hidden int letter;
hidden int step;
hidden int runNumber;
bool isRefused;

inline number(v) {
  v = 0;
  STDIN ? letter;
  do
  :: letter >= '0' && letter <= '9' -> v = v * 10 + letter - '0'; STDIN ? letter
  :: else -> break
  od
}

inline operation(op) {
  STDIN ? op;
  STDIN ? letter;
  step++
}

inline refuse(op) {
  printf("refused: run %d, step %d, %c\n", runNumber, step, op);
  isRefused = true;
  do
  :: op == '.' -> break
  :: else -> STDIN ? op
  od
}

inline nextRun() {
  if
  :: isRefused -> STDIN ? letter
  :: else
  fi;
  isRefused = false;
  step = 0;
  runNumber++
}
