// Package torture breaks soquy on purpose: it runs real processes of it and of the database server, feeds them commands as clients
// do, kills, stops and starves them at random moments, and compares what is there afterwards with the clients' own record of what
// was acknowledged. There are only tests in it. In continuous integration they are short; `make torture` runs them at length.
package torture
