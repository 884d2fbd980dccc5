import{a as j}from"./part-WZWS5OWQ.js";import{a as D,e as U,l as w,m as d,n as L,o as A,p as _,q as v,s as K}from"./part-ERO6U74N.js";import{A as h,D as O,E as V,b as a,c as F,d as E,e as y,l as z,m as c,p as M,s as R,t as I,u as S,v as H,w as k,y as P}from"./part-2NWJ3OZH.js";var X={solid:"on",off:"off",blink:"blinking",pulse:"pulsing"},Y=["red","green","blue","amber","yellow","white","orange"],x=[{ms:1e4,name:"Hold 10 s",does:"Shows the claim code on the console while the box has no owner"},{ms:3e3,name:"Hold 3 s",does:"Stops cleanly and makes the disk safe to unplug"},{ms:0,name:"Press",does:"Keeps the last 5 minutes of every camera"}],N=e=>x.find(t=>e>=t.ms)??x[x.length-1];function W(){let e=c.value.board;return a`<section class="card board" aria-labelledby="board-h"><h2 id="board-h">Board</h2>
    <div class="board-face">
      <ul class="leds">${(e.leds??[]).map(t=>a`<${ee} key=${t.name} l=${t} />`)}</ul>
      <${te} />
      ${(e.buttons??[]).map(t=>a`<${se} key=${t.name} b=${t} />`)}
      ${!e.leds?.length&&!e.buttons?.length&&a`<p class="muted">This board reports no lights and no buttons.</p>`}
    </div>
  </section>`}function ee({l:e}){let t=Y.includes((e.color??"").toLowerCase())?e.color.toLowerCase():"white",s=e.on===!1&&e.pattern==="solid"?"off":e.pattern;return a`<li class="led" data-testid="led-${e.name}" data-pattern=${s}>
    <span class="led-lens led-${t} led-p-${s}" aria-hidden="true"></span>
    <span><b>${e.label||e.name}</b><small>${X[s]??s}</small></span>
  </li>`}function te(){let e=c.value.board.watchdog;if(!e)return null;let t=Math.max(0,e.left_s-(k.value?0:(R.value-c.value.boardAt)/1e3)),s=e.timeout_s>0?Math.min(1,t/e.timeout_s):0,r=2*Math.PI*17;return a`<div class="dog" data-testid="watchdog">
    <svg width="44" height="44" viewBox="0 0 44 44" aria-hidden="true"><circle class="dog-track" cx="22" cy="22" r="17" /><circle class="dog-left ${s<.34?"is-low":""}" cx="22" cy="22" r="17"
      stroke-dasharray=${r} stroke-dashoffset=${r*(1-s)} /></svg>
    <span><b>Watchdog</b><small>${Math.ceil(t)} s of ${e.timeout_s} s left${e.resets!==void 0?`, ${e.resets} ${e.resets===1?"reset":"resets"}`:""}</small></span>
  </div>`}function Z(e,t){if(!j.send("board.press",{button:e.name,ms:Math.round(t)})){P("error","Not connected: the button was not pressed.");return}P("info",`${e.label||e.name}: ${N(t).name.toLowerCase()}. ${N(t).does}.`)}function se({b:e}){let[t,s]=F(null),r=y(0),i=y(0);E(()=>()=>clearInterval(i.current),[]);let m=()=>{r.current||k.value||(r.current=performance.now(),s(0),i.current=window.setInterval(()=>s(performance.now()-r.current),50))},l=o=>{if(!r.current)return;let C=performance.now()-r.current;r.current=0,clearInterval(i.current),s(null),o&&Z(e,Math.max(100,C))},p=o=>{o.key!==" "&&o.key!=="Enter"||(o.preventDefault(),o.type==="keydown"&&!o.repeat&&m(),o.type==="keyup"&&l(!0))},$=o=>{o.button===0&&(o.currentTarget.setPointerCapture(o.pointerId),m())},u=2*Math.PI*34;return a`<div class="press">
    <button type="button" class="press-cap ${t!==null?"is-down":""}" disabled=${k.value} data-testid="board-button-${e.name}"
      aria-label="${e.label||e.name}: press, or hold 3 or 10 seconds" onKeyDown=${p} onKeyUp=${p} onBlur=${()=>l(!1)}
      onPointerDown=${$} onPointerUp=${()=>l(!0)} onPointerCancel=${()=>l(!1)} onContextMenu=${o=>o.preventDefault()}>
      <svg viewBox="0 0 76 76" aria-hidden="true"><circle class="press-track" cx="38" cy="38" r="34" /><circle class="press-held" cx="38" cy="38" r="34"
        stroke-dasharray=${u} stroke-dashoffset=${u*(1-Math.min(1,(t??0)/1e4))} /></svg>
      <span>${t===null?e.label||e.name:`${(t/1e3).toFixed(1)} s`}</span>
    </button>
    <div class="press-ways">
      <p class="press-says" role="status">${t===null?"Press and hold as on the box, or choose:":`Let go: ${N(t).does.toLowerCase()}`}</p>
      <div class="press-row">${[...x].reverse().map(o=>a`<button type="button" key=${o.ms} class="button small" disabled=${k.value} title=${o.does}
        onClick=${()=>Z(e,o.ms||100)} data-testid="board-${e.name}-${o.ms}">${o.name}</button>`)}</div>
      <dl class="press-does">${[...x].reverse().map(o=>a`<div key=${o.ms}><dt>${o.name}</dt><dd>${o.does}</dd></div>`)}</dl>
    </div>
  </div>`}var n=e=>e==null||typeof e=="object"?"":String(e),ae=e=>{let t=n(e.reason??e.state_reason);return t?v(t):""},T=e=>{let t=n(e.address).replace(/^\[(.*)\]:\d+$/,"$1").replace(/^([^:]+):\d+$/,"$1");return t?`from ${t}`:""},B=e=>n(e.user)||"Somebody",g=e=>(t,s)=>({text:e(s),detail:ae(t)}),f=(e,t)=>{let s=Date.parse(n(e));return Number.isFinite(s)?D(s,t):""},oe={free_floor:["The disk reached its floor: the oldest footage is being deleted","The disk is above its floor again"],nothing_to_prune:["The disk is full and nothing on it may be deleted","There is footage again that may be deleted"],floor_unsatisfiable:["The disk is smaller than its floor","The floor fits the disk again"],prune_not_recovering_space:["Deleting footage does not free space","Deleting footage frees space again"],delete_failed:["Footage could not be deleted","Footage can be deleted again"],disk_stats_unavailable:["The disk does not tell how full it is","The disk tells how full it is again"],reserve:["The disk is below its reserve: recording rests","The disk has room again"]},q={evidence_hold:"the last 5 minutes are kept",stop:"the recorder stops cleanly",claim_code_shown:"the claim code is on the console",none:"nothing to do"},re={press:"pressed",hold:"held for 3 s",long:"held for 10 s",broken:"held far too long"},ne={camera_recording:g(e=>`${e} records`),camera_live:g(e=>`${e} is live, not recorded`),camera_connecting:g(e=>`${e} is connecting`),camera_interrupted:g(e=>`${e} was interrupted`),camera_offline:g(e=>`${e} went offline`),camera_error:g(e=>`${e} has an error`),camera_disabled:g(e=>`${e} was switched off`),camera_added:(e,t)=>({text:`${n(e.name)||t} was added`}),camera_removed:(e,t)=>({text:`${n(e.name)||t} was removed`}),recording_gap:(e,t,s)=>({text:`${t} lost ${w(Number(e.seconds)*1e3||0)}: ${K(n(e.reason))}`,detail:f(e.start,s)?`${f(e.start,s)} – ${f(e.end,s)}`:""}),auth_claimed:e=>({text:`${B(e)} claimed this recorder`,detail:T(e)}),auth_login:e=>({text:`${B(e)} signed in`,detail:T(e)}),auth_logout:e=>({text:`${B(e)} signed out`,detail:T(e)}),auth_login_failed:e=>({text:n(e.user)?`A wrong password for ${B(e)}`:"Somebody failed to sign in",detail:T(e)}),auth_login_throttled:e=>({text:"Too many failed attempts to sign in: slowed down",detail:T(e)}),system_started:e=>({text:"The recorder started",detail:n(e.version)&&`version ${n(e.version)}`}),system_stopped:()=>({text:"The recorder stopped cleanly"}),system_recovered:e=>({text:"The recorder put its footage in order after an unclean stop",detail:n(e.summary)}),disk_pressure:e=>{let[t,s]=oe[n(e.reason)]??[`The disk: ${n(e.reason).replace(/_/g," ")}`,`The disk: ${n(e.reason).replace(/_/g," ")} is over`];return{text:e.cleared?s:t}},evidence_hold:(e,t,s)=>({text:f(e.from,s)?`Footage from ${f(e.from,s)} to ${f(e.to,s)} is kept as evidence`:"Footage is kept as evidence",detail:typeof e.segments=="number"?_(e.segments,"file")+" so far":""}),evidence_hold_failed:e=>({text:"Footage could not be kept as evidence",detail:n(e.error)}),button:e=>({text:`The button was ${re[n(e.gesture)]??"used"}${q[n(e.action)]?`: ${q[n(e.action)]}`:""}`,detail:n(e.error)})},G=e=>{let t=e.replace(/[._]+/g," ").trim();return t.charAt(0).toUpperCase()+t.slice(1)};function J(e,t="",s="utc"){let r=e.payload??{},i=e.type==="camera_state"||e.type==="camera.state"?`camera_${n(r.state)}`:e.type,m=ne[i.replace(".","_")];if(m){let{text:u,detail:o=""}=m(r,t||"A camera",s);return{text:u,detail:o}}let p=n(r.message)||(t?`${t}: ${G(e.type).toLowerCase()}`:G(e.type)),$=Object.entries(r).filter(([u,o])=>u!=="message"&&n(o)).slice(0,4).map(([u,o])=>`${u.replace(/_/g," ")} ${n(o)}`).join(", ");return{text:p,detail:$}}function Fe(){let e=c.value;return a`<main id="main" class="screen status">
    <header class="screen-head"><h1 tabIndex=${-1}>Status</h1>
      <p class="muted" data-testid="about">${[e.board.name||e.system.board||e.board.board,e.system.version||e.version,e.system.uptime_s!==void 0?`up ${w(e.system.uptime_s*1e3)}`:""].filter(Boolean).join(" · ")}</p></header>
    <${le} />
    <div class="status-grid">
      <${W} />
      <div class="status-side">
        <${ce} />
        <${$e} />
      </div>
      <${ge} />
      <${fe} />
    </div>
  </main>`}var ie={recording:{good:!0,icon:"check",says:"Everything is in order"},starting:{icon:"clock",says:"Starting"},updating:{icon:"clock",says:"Updating"},degraded:{icon:"warn",says:"Something needs a look"},fault:{icon:"cross",says:"Something is wrong"},stopped:{icon:"cross",says:"Not recording"}};function le(){let e=c.value.board;if(!e.state)return null;let t=ie[e.state]??{icon:"info",says:e.state},s=(e.reasons??[]).map(i=>v(i.replace(/^[a-z ]+: /,""))),r=t.good&&!H.value.wanted?"In order, but no camera is to be recorded yet":t.says;return a`<div class="overall overall-${e.state}" role="status" data-testid="overall" data-state=${e.state}>
    <${h} name=${t.icon} /><b>${r}</b>
    ${s.length>0&&a`<ul>${s.map(i=>a`<li key=${i}>${i}</li>`)}</ul>`}
  </div>`}function de(e){let t=y(null);if(e.write_bytes_per_s)return e.write_bytes_per_s;let s=S.value.reduce((m,l)=>m+(l.state==="recording"?l.bitrate_bps??0:0),0)/8;if(s>0)return s;let r=R.value;(!t.current||e.footage_bytes<t.current.bytes)&&(t.current={at:r,bytes:e.footage_bytes});let i=(r-t.current.at)/1e3;return i>20?(e.footage_bytes-t.current.bytes)/i:0}function ce(){let e=c.value.system.volumes??[];return a`<section class="card" aria-labelledby="disk-h"><h2 id="disk-h">${e.length>1?"Disks":"Disk"}</h2>
    ${e.length===0&&a`<p class="muted">No footage disk.</p>`}
    ${e.map(t=>a`<${me} key=${t.id} v=${t} />`)}
    ${c.value.system.promise_s?a`<p class="muted small">A power cut costs at most ${c.value.system.promise_s} s of footage.</p>`:null}
  </section>`}var ue={ok:"In order",healthy:"In order",recording:"In order",full:"Full",pressure:"Too full",failed:"Failed",readonly:"Read only",read_only:"Read only"};function me({v:e}){let t=de(e),s=z(e,t),r=Math.max(1,e.total_bytes),i=b=>Math.min(100,Math.max(0,b/r*100)),m=e.total_bytes-e.free_bytes,l=Math.min(e.held_bytes,e.footage_bytes),p=Math.max(0,m-e.footage_bytes),$=e.free_bytes<e.reserve_bytes?"reserve":e.free_bytes<e.floor_bytes?"floor":"",u=["ok","healthy","recording","open","in order"].includes(e.state||"ok"),o=[{k:"other",w:i(p)},{k:"held",w:i(l)},{k:"footage",w:i(e.footage_bytes-l)}],C=0;return a`<div class="disk" data-testid="disk-${e.id}">
    <p class="disk-head"><b>${d(e.free_bytes)} free</b> of ${d(e.total_bytes)} <span class="tag">${e.medium&&e.medium!=="unknown"?e.medium.toUpperCase():"Disk"}</span>
      <span class="tag ${u?"tag-good":"tag-bad"}"><${h} name=${u?"check":"warn"} size=${14} />${ue[e.state]??e.state??"In order"}</span></p>
    <svg class="disk-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${d(e.footage_bytes)} footage, ${d(l)} of it held, ${d(p)} other, ${d(e.free_bytes)} free">
      <rect class="bar-free" x="0" y="0" width="100" height="10" />
      ${o.map(b=>{let Q=C;return C+=b.w,a`<rect key=${b.k} class="bar-${b.k}" x=${Q} y="0" width=${b.w} height="10" />`})}
      <rect class="bar-line bar-high" x=${100-i(e.high_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-floor" x=${100-i(e.floor_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-reserve" x=${Math.min(99.6,100-i(e.reserve_bytes))} y="0" width="0.4" height="10" />
    </svg>
    <ul class="legend">
      <li><i class="key key-footage"></i>Footage <b>${d(e.footage_bytes-l)}</b></li>
      ${l>0&&a`<li><i class="key key-held"></i>Held <b>${d(l)}</b></li>`}
      <li><i class="key key-other"></i>Other <b>${d(p)}</b></li>
      <li><i class="key key-high"></i>High mark <b>${d(e.high_bytes)}</b></li>
      <li><i class="key key-floor"></i>Floor <b>${d(e.floor_bytes)}</b></li>
      <li><i class="key key-reserve"></i>Reserve <b>${d(e.reserve_bytes)}</b></li>
    </ul>
    <p class="disk-says ${$?"bad":""}">${$==="reserve"?a`<${h} name="warn" size=${16} /> Below the reserve: recording on this disk has stopped.`:$==="floor"?a`<${h} name="warn" size=${16} /> Below the floor: the oldest footage is being deleted now.`:s===null?"How long footage is kept shows once the write rate is known.":a`Keeps <b>about ${he(s)}</b> at ${L(t*8)}.`}</p>
  </div>`}function he(e){return e<1?_(Math.max(1,Math.round(e*24)),"hour"):e<10?`${e.toFixed(1)} days`:_(Math.round(e),"day")}var pe={ntp:"network time",rtc:"the battery clock",sntp:"network time",system:"the operating system",kernel:"the operating system",simulated:"the computer it runs on"};function $e(){let e=c.value,t=e.system.clock,s=M.value,r=Math.abs(e.skew);return a`<section class="card clockcard" aria-labelledby="clock-h"><h2 id="clock-h">Clock</h2>
    <p class="clock-big mono">${D(I.value,s)} <small>${s==="utc"?"UTC":"local"}</small></p>
    <p class=${t?.trusted===!1?"bad":""}><${h} name=${t?.trusted===!1?"warn":"check"} size=${16} />
      ${t===void 0?" Not known":t.trusted?` Trusted${t.source?`, set by ${pe[t.source]??t.source}`:""}`:" Not trusted yet: footage is kept and stamped again once it is."}</p>
    ${r>5e3&&a`<p class="warnline"><${h} name="warn" size=${16} /> ${w(r)} ${e.skew>0?"ahead of":"behind"} this device.</p>`}
  </section>`}function ge(){let e=S.value;return a`<section class="card span2" aria-labelledby="cams-h"><h2 id="cams-h">Cameras</h2>
    ${e.length===0?a`<p class="muted">None yet.</p>`:a`<div class="table-box"><table class="table stackable">
      <thead><tr><th scope="col">Camera</th><th scope="col">State</th><th scope="col">Last written</th><th scope="col">Rate</th><th scope="col">Drops</th></tr></thead>
      <tbody>${e.map(t=>a`<${be} key=${t.id} c=${t} />`)}</tbody>
    </table></div>`}
  </section>`}function be({c:e}){let t=e.last_written?Date.parse(e.last_written):NaN,s=I.value-t,r=e.state==="recording"&&s>15e3;return a`<tr data-testid="status-camera-${e.id}">
    <th scope="row"><a href="#/cameras/${encodeURIComponent(e.id)}">${e.name}</a></th>
    <td data-label="State"><${V} state=${e.state} />${e.state_reason&&e.state!=="recording"&&a`<small class="why">${v(e.state_reason)}</small>`}</td>
    <td data-label="Last written" class=${r?"bad":""}>${Number.isFinite(t)?a`${r&&a`<${h} name="warn" size=${14} /> `}${A(s)}`:a`<span class="muted">never</span>`}</td>
    <td data-label="Rate" class="mono">${e.bitrate_bps&&O(e)?L(e.bitrate_bps):"–"}</td>
    <td data-label="Drops" class="mono ${e.drops?"warnline":""}">${e.drops??0}</td>
  </tr>`}function fe(){let e=c.value.events;return a`<section class="card span2" aria-labelledby="events-h"><h2 id="events-h">What happened</h2>
    ${e.length===0?a`<p class="muted">Nothing yet.</p>`:a`<ol class="events" data-testid="events">${e.slice(0,100).map(t=>a`<${ye} key=${t.seq} e=${t} />`)}</ol>`}
  </section>`}function ye({e}){let t=S.value.find(i=>i.id===e.camera)?.name??e.camera,s=e.severity==="critical"?"cross":e.severity==="warning"?"warn":"info",r=J(e,t,M.value);return a`<li class="event event-${e.severity}">
    <${h} name=${s} size=${16} /><span class="sr">${e.severity}: </span>
    <time class="mono" dateTime=${e.time}>${U(Date.parse(e.time),M.value)}</time>
    <span class="event-text">${r.text}${r.detail&&a` <small>${r.detail}</small>`}</span>
  </li>`}export{Fe as StatusScreen};
