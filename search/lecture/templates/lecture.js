"use strict";
(() => {
{% include "scroll.js" %}

})();
