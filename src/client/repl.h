// The REPL over any backend.
#pragma once

#include <atomic>

#include "client/repl_backend.h"
#include "client/verb_names.h"

namespace cairn::client {

// Talks, or runs the commands that were given, or those of stdin. Once at a time in a process: it
// has SIGINT meanwhile.
VerbResult run_repl(const verbs::ReplArguments& arguments, ReplBackend& backend, Context& context);

// Raised by Ctrl-C while run_repl() runs; for backends that wait for something.
const std::atomic<bool>& repl_interrupted();

}  // namespace cairn::client
