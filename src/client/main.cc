#include <string>
#include <vector>

#include "client/verbs.h"

int main(int argc, char** argv) {
  return cairn::client::run(std::vector<std::string>(argv + 1, argv + argc));
}
