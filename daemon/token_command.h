/* `gatherd token new NAME --rights RIGHT[,RIGHT...] [...]`: makes a token.
 *
 * stdout gets two lines: the token, which is kept nowhere, and the line for the file of
 * api.tokens_file (daemon/base/tokens.h).
 */
#pragma once

/* argv[0] is "token". returns the exit status; what is wrong has been said on stderr */
int token_command(int argc, char **argv);
