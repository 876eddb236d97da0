/* Signals as something to wait for. */
#pragma once

#include "base.h"

CO_API_BEGIN

/* Waits for one of the signals, which must be blocked in every thread (pthread_sigmask), so that
 * one which comes between two waits is kept.
 *
 * returns    the signal's number, -EMFILE, ...
 */
CO_BLOCKS int co_signal_wait(const int *signals, size_t n_signals);

CO_API_END
