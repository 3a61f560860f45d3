// Verbs whose store is behind an address.
#pragma once

#include <string>
#include <vector>

#include "client/credentials.h"
#include "client/verb_names.h"

namespace cairn::client {

// What a call says besides the verb. Borrowed.
struct FarCall {
  const Credentials& credentials;
  const std::vector<std::string>& words;  // which the verb was parsed from
  const std::string& user;                // what --actor is unless given
};

// Connects, and runs the verb there, or sends there what it reads here (import). Errors: as
// Remote::connect(); Unsupported: the verb works on a directory.
VerbResult run_far(const verbs::VerbArguments& verb, const FarCall& call, Context& context);

}  // namespace cairn::client
