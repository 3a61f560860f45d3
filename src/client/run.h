// The whole program around the verbs.
#pragma once

#include <string>
#include <vector>

namespace cairn::client {

// Parses, runs, prints what went wrong, returns the exit code. Words are those after the program's
// name. Once in a process: ties SIGINT to the verb that runs.
int run(const std::vector<std::string>& words);

}  // namespace cairn::client
