// Package bench measures soquy on an empty database, and beside it, in the same run, what the database can do at most: the same bytes
// in a bare table. What it says of soquy is therefore a ratio first, and a rate of this machine second.
//
// A repetition takes the limits and the measures in turn, so that whatever else the machine does meets both; a figure is the median of the
// repetitions. The data is drawn from one seed. The program under test is behind [Soquy], which internal/app implements with the code
// of its own commands; SQL is here for the limits alone.
package bench
