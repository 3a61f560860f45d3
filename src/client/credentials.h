// How to get in at a server: options that stand among the words of any verb and are not the verb's,
// and variables of the environment.
//
//   --token TOKEN        CAIRN_TOKEN       the token itself
//   --token-file FILE    CAIRN_TOKEN_FILE  a file with it, so that it is in no list of processes
//   --tls-ca FILE        CAIRN_CA          PEM: whose servers are trusted besides the system's
//
// Value type.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::client {

struct Credentials {
  std::string token;   // "" = none
  std::string tls_ca;  // a file's path; "" = what the system trusts
};

// Takes those options out of the words, up to a word `--`, and adds what the environment says. The
// words are not told to anybody else: a token must not come into a log.
// Errors: InvalidArgument (an option without its value, two tokens), those of reading the file.
Result<Credentials> take_credentials(std::vector<std::string>& words);

}  // namespace cairn::client
