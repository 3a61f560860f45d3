#include <string>
#include <vector>

#include "client/run.h"

// Read by jemalloc when the program is linked with it. Its default gives blocks of 8 MiB and more
// back to the kernel at once, and others after ten seconds, to have their pages cleared again for
// the next segment: a twelfth of an import's processor time.
extern "C" const char* malloc_conf;
const char* malloc_conf = "oversize_threshold:0,dirty_decay_ms:60000";

int main(int argc, char** argv) {
  return cairn::client::run(std::vector<std::string>(argv + 1, argv + argc));
}
