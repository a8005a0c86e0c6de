/* The commands main dispatches to; each gets its own name as argv[0] and returns the exit status.
 */
#ifndef RINGSEND_CLI_COMMANDS_H
#define RINGSEND_CLI_COMMANDS_H

int command_send(int argc, char **argv);
int command_check(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_probe(int argc, char **argv);
int command_status(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_doctor(int argc, char **argv);

#endif
