# find_package(hakmem): hakmem::hakmem is the shared library, hakmem::static the archive. The tree may lie elsewhere than
# where it was installed: all paths begin here.
get_filename_component(_hakmem_prefix "${CMAKE_CURRENT_LIST_DIR}/@UP@" ABSOLUTE)
get_filename_component(_hakmem_lib "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
find_package(Threads REQUIRED)
if(NOT TARGET hakmem::hakmem)
  add_library(hakmem::hakmem SHARED IMPORTED)
  set_target_properties(hakmem::hakmem PROPERTIES
    IMPORTED_LOCATION "${_hakmem_lib}/libhakmem.so"
    IMPORTED_SONAME "libhakmem.so.1"
    INTERFACE_INCLUDE_DIRECTORIES "${_hakmem_prefix}/include")
  add_library(hakmem::static STATIC IMPORTED)
  set_target_properties(hakmem::static PROPERTIES
    IMPORTED_LOCATION "${_hakmem_lib}/libhakmem.a"
    INTERFACE_LINK_LIBRARIES Threads::Threads
    INTERFACE_INCLUDE_DIRECTORIES "${_hakmem_prefix}/include")
endif()
unset(_hakmem_prefix)
unset(_hakmem_lib)
