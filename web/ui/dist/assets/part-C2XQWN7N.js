import{a as Q}from"./part-IQAWRL5U.js";import{a as q,d as O,e as K,g as B,k as F,r as D,s as u,t as H,u as Z,v as y,w as k,y as W}from"./part-DGISJFG6.js";import{A as p,D as G,E as J,b as a,c as x,d as M,e as T,l as V,m,n as L,p as v,s as N,t as P,u as C,v as j,w as g,y as f}from"./part-K4XTX4UC.js";var re={solid:"on",off:"off",blink:"blinking",pulse:"pulsing"},le=["red","green","blue","amber","yellow","white","orange"],R=[{ms:1e4,name:"Hold 10 s",does:"Shows the claim code on the console while the box has no owner"},{ms:3e3,name:"Hold 3 s",does:"Stops cleanly and makes the disk safe to unplug"},{ms:0,name:"Press",does:"Keeps the last 5 minutes of every camera"}],z=e=>R.find(t=>e>=t.ms)??R[R.length-1];function Y(){let e=m.value.board;return a`<section class="card board" aria-labelledby="board-h"><h2 id="board-h">Board</h2>
    <div class="board-face">
      <ul class="leds">${(e.leds??[]).map(t=>a`<${ie} key=${t.name} l=${t} />`)}</ul>
      <${de} />
      ${(e.buttons??[]).map(t=>a`<${ce} key=${t.name} b=${t} />`)}
      ${!e.leds?.length&&!e.buttons?.length&&a`<p class="muted">This board reports no lights and no buttons.</p>`}
    </div>
  </section>`}function ie({l:e}){let t=le.includes((e.color??"").toLowerCase())?e.color.toLowerCase():"white",s=e.on===!1&&e.pattern==="solid"?"off":e.pattern;return a`<li class="led" data-testid="led-${e.name}" data-pattern=${s}>
    <span class="led-lens led-${t} led-p-${s}" aria-hidden="true"></span>
    <span><b>${e.label||e.name}</b><small>${re[s]??s}</small></span>
  </li>`}function de(){let e=m.value.board.watchdog;if(!e)return null;let t=Math.max(0,e.left_s-(g.value?0:(N.value-m.value.boardAt)/1e3)),s=e.timeout_s>0?Math.min(1,t/e.timeout_s):0,o=2*Math.PI*17;return a`<div class="dog" data-testid="watchdog">
    <svg width="44" height="44" viewBox="0 0 44 44" aria-hidden="true"><circle class="dog-track" cx="22" cy="22" r="17" /><circle class="dog-left ${s<.34?"is-low":""}" cx="22" cy="22" r="17"
      stroke-dasharray=${o} stroke-dashoffset=${o*(1-s)} /></svg>
    <span><b>Watchdog</b><small>${Math.ceil(t)} s of ${e.timeout_s} s left${e.resets!==void 0?`, ${e.resets} ${e.resets===1?"reset":"resets"}`:""}</small></span>
  </div>`}function X(e,t){if(!Q.send("board.press",{button:e.name,ms:Math.round(t)})){f("error","Not connected: the button was not pressed.");return}f("info",`${e.label||e.name}: ${z(t).name.toLowerCase()}. ${z(t).does}.`)}function ce({b:e}){let[t,s]=x(null),o=T(0),i=T(0);M(()=>()=>clearInterval(i.current),[]);let d=()=>{o.current||g.value||(o.current=performance.now(),s(0),i.current=window.setInterval(()=>s(performance.now()-o.current),50))},l=n=>{if(!o.current)return;let E=performance.now()-o.current;o.current=0,clearInterval(i.current),s(null),n&&X(e,Math.max(100,E))},c=n=>{n.key!==" "&&n.key!=="Enter"||(n.preventDefault(),n.type==="keydown"&&!n.repeat&&d(),n.type==="keyup"&&l(!0))},b=n=>{n.button===0&&(n.currentTarget.setPointerCapture(n.pointerId),d())},h=2*Math.PI*34;return a`<div class="press">
    <button type="button" class="press-cap ${t!==null?"is-down":""}" disabled=${g.value} data-testid="board-button-${e.name}"
      aria-label="${e.label||e.name}: press, or hold 3 or 10 seconds" onKeyDown=${c} onKeyUp=${c} onBlur=${()=>l(!1)}
      onPointerDown=${b} onPointerUp=${()=>l(!0)} onPointerCancel=${()=>l(!1)} onContextMenu=${n=>n.preventDefault()}>
      <svg viewBox="0 0 76 76" aria-hidden="true"><circle class="press-track" cx="38" cy="38" r="34" /><circle class="press-held" cx="38" cy="38" r="34"
        stroke-dasharray=${h} stroke-dashoffset=${h*(1-Math.min(1,(t??0)/1e4))} /></svg>
      <span>${t===null?e.label||e.name:`${(t/1e3).toFixed(1)} s`}</span>
    </button>
    <div class="press-ways">
      <p class="press-says" role="status">${t===null?"Press and hold as on the box, or choose:":`Let go: ${z(t).does.toLowerCase()}`}</p>
      <div class="press-row">${[...R].reverse().map(n=>a`<button type="button" key=${n.ms} class="button small" disabled=${g.value} title=${n.does}
        onClick=${()=>X(e,n.ms||100)} data-testid="board-${e.name}-${n.ms}">${n.name}</button>`)}</div>
      <dl class="press-does">${[...R].reverse().map(n=>a`<div key=${n.ms}><dt>${n.name}</dt><dd>${n.does}</dd></div>`)}</dl>
    </div>
  </div>`}var r=e=>e==null||typeof e=="object"?"":String(e),A=e=>{let t=r(e.reason??e.state_reason);return t?k(t):""},S=e=>{let t=r(e.address).replace(/^\[(.*)\]:\d+$/,"$1").replace(/^([^:]+):\d+$/,"$1");return t?`from ${t}`:""},I=e=>r(e.user)||"Somebody",_=e=>(t,s)=>({text:e(s),detail:A(t)}),$=(e,t)=>{let s=Date.parse(r(e));return Number.isFinite(s)?B(s,t):""},me={free_floor:["The disk reached its floor: the oldest footage is being deleted","The disk is above its floor again"],nothing_to_prune:["The disk is full and nothing on it may be deleted","There is footage again that may be deleted"],floor_unsatisfiable:["The disk is smaller than its floor","The floor fits the disk again"],prune_not_recovering_space:["Deleting footage does not free space","Deleting footage frees space again"],size_cap:["The disk holds as much footage as it may: the oldest is being deleted","Nothing is deleted for the cap any more"],locked_exceeds_cap:["Kept footage alone is more than the disk may hold","Kept footage fits under the cap again"],locked_exceeds_quota:["Kept footage alone is more than a camera may have","Kept footage fits under the quotas again"],delete_failed:["Footage could not be deleted","Footage can be deleted again"],disk_stats_unavailable:["The disk does not tell how full it is","The disk tells how full it is again"],reserve:["The disk is below its reserve: recording rests","The disk has room again"]},ee={evidence_hold:"the last 5 minutes are kept",stop:"the recorder stops cleanly",claim_code_shown:"the claim code is on the console",none:"nothing to do"},ue={age:"as old as they may get",quota:"their camera has its share",size_cap:"the disk holds as much as it may",free_floor:"the oldest, for free space"},he={press:"pressed",hold:"held for 3 s",long:"held for 10 s",broken:"held far too long"},pe={camera_recording:_(e=>`${e} records`),camera_live:_(e=>`${e} is live, not recorded`),camera_connecting:_(e=>`${e} is connecting`),camera_interrupted:_(e=>`${e} was interrupted`),camera_offline:_(e=>`${e} went offline`),camera_error:_(e=>`${e} has an error`),camera_disabled:_(e=>`${e} was switched off`),camera_added:(e,t)=>({text:`${r(e.name)||t} was added`}),camera_removed:(e,t)=>({text:`${r(e.name)||t} was removed`}),recording_gap:(e,t,s)=>({text:`${t} lost ${D(Number(e.seconds)*1e3||0)}: ${W(r(e.reason))}`,detail:$(e.start,s)?`${$(e.start,s)} – ${$(e.end,s)}`:""}),auth_claimed:e=>({text:`${I(e)} claimed this recorder`,detail:S(e)}),auth_login:e=>({text:`${I(e)} signed in`,detail:S(e)}),auth_logout:e=>({text:`${I(e)} signed out`,detail:S(e)}),auth_login_failed:e=>({text:r(e.user)?`A wrong password for ${I(e)}`:"Somebody failed to sign in",detail:S(e)}),auth_login_throttled:e=>({text:"Too many failed attempts to sign in: slowed down",detail:S(e)}),system_started:e=>({text:"The recorder started",detail:r(e.version)&&`version ${r(e.version)}`}),system_stopped:()=>({text:"The recorder stopped cleanly"}),system_recovered:e=>({text:"The recorder put its footage in order after an unclean stop",detail:r(e.summary)}),volume_lost:e=>({text:`Disk ${r(e.volume)} was lost`,detail:A(e)}),volume_absent:e=>({text:`Disk ${r(e.volume)} cannot be used`,detail:A(e)}),volume_present:e=>({text:`Disk ${r(e.volume)} is there`}),volume_replaced:e=>({text:`Disk ${r(e.volume)} was replaced by another one`}),footage_restamped:(e,t,s)=>({text:"Footage from before the clock was set has its true time now",detail:typeof e.segments=="number"?`${y(e.segments,"file")}${$(e.from,s)?` from ${$(e.from,s)}`:""}`:""}),disk_pressure:e=>{let[t,s]=me[r(e.reason)]??[`The disk: ${r(e.reason).replace(/_/g," ")}`,`The disk: ${r(e.reason).replace(/_/g," ")} is over`];return{text:e.cleared?s:t}},evidence_hold:(e,t,s)=>({text:$(e.from,s)?`Footage from ${$(e.from,s)} to ${$(e.to,s)} is kept as evidence`:"Footage is kept as evidence",detail:typeof e.segments=="number"?y(e.segments,"file")+" so far":""}),evidence_released:(e,t,s)=>({text:`Footage from ${$(e.from,s)} to ${$(e.to,s)} is not kept any more`,detail:r(e.by)&&`released by ${r(e.by)}`}),retention_changed:e=>({text:`${r(e.by)||"Somebody"} changed how much footage is kept`}),retention_delete:e=>({text:`${y(Number(e.deleted)||0,"file")} deleted: ${ue[r(e.reason)]??r(e.reason).replace(/_/g," ")}`}),evidence_hold_failed:e=>({text:"Footage could not be kept as evidence",detail:r(e.error)}),button:e=>({text:`The button was ${he[r(e.gesture)]??"used"}${ee[r(e.action)]?`: ${ee[r(e.action)]}`:""}`,detail:r(e.error)})},te=e=>{let t=e.replace(/[._]+/g," ").trim();return t.charAt(0).toUpperCase()+t.slice(1)};function se(e,t="",s="utc"){let o=e.payload??{},i=e.type==="camera_state"||e.type==="camera.state"?`camera_${r(o.state)}`:e.type,d=pe[i.replace(".","_")];if(d){let{text:h,detail:n=""}=d(o,t||"A camera",s);return{text:h,detail:n}}let c=r(o.message)||(t?`${t}: ${te(e.type).toLowerCase()}`:te(e.type)),b=Object.entries(o).filter(([h,n])=>h!=="message"&&r(n)).slice(0,4).map(([h,n])=>`${h.replace(/_/g," ")} ${r(n)}`).join(", ");return{text:c,detail:b}}function Oe(){let e=m.value;return a`<main id="main" class="screen status">
    <header class="screen-head"><h1 tabIndex=${-1}>Status</h1>
      <p class="muted" data-testid="about">${[e.board.name||e.system.board||e.board.board,e.system.version||e.version,e.system.uptime_s!==void 0?`up ${D(e.system.uptime_s*1e3)}`:""].filter(Boolean).join(" · ")}</p></header>
    <${be} />
    <div class="status-grid">
      <${Y} />
      <div class="status-side">
        <${ge} />
        <${ve} />
      </div>
      <${xe} />
      <${Ce} />
      <${De} />
    </div>
  </main>`}var $e={recording:{good:!0,icon:"check",says:"Everything is in order"},starting:{icon:"clock",says:"Starting"},updating:{icon:"clock",says:"Updating"},degraded:{icon:"warn",says:"Something needs a look"},fault:{icon:"cross",says:"Something is wrong"},stopped:{icon:"cross",says:"Not recording"}};function be(){let e=m.value.board;if(!e.state)return null;let t=$e[e.state]??{icon:"info",says:e.state},s=(e.reasons??[]).map(i=>k(i.replace(/^[a-z ]+: /,""))),o=t.good&&!j.value.wanted?"In order, but no camera is to be recorded yet":t.says;return a`<div class="overall overall-${e.state}" role="status" data-testid="overall" data-state=${e.state}>
    <${p} name=${t.icon} /><b>${o}</b>
    ${s.length>0&&a`<ul>${s.map(i=>a`<li key=${i}>${i}</li>`)}</ul>`}
  </div>`}function fe(e){let t=T(null);if(e.write_bytes_per_s)return e.write_bytes_per_s;let s=C.value.reduce((d,l)=>d+(l.state==="recording"?l.bitrate_bps??0:0),0)/8;if(s>0)return s;let o=N.value;(!t.current||e.footage_bytes<t.current.bytes)&&(t.current={at:o,bytes:e.footage_bytes});let i=(o-t.current.at)/1e3;return i>20?(e.footage_bytes-t.current.bytes)/i:0}function ge(){let e=m.value.system.volumes??[];return a`<section class="card" aria-labelledby="disk-h"><h2 id="disk-h">${e.length>1?"Disks":"Disk"}</h2>
    ${e.length===0&&a`<p class="muted">No footage disk.</p>`}
    ${e.map(t=>a`<${["absent","foreign"].includes(t.state)||!t.total_bytes?ye:ke} key=${t.name??t.id} v=${t} named=${e.length>1} />`)}
    ${m.value.system.promise_s?a`<p class="muted small">A power cut costs at most ${m.value.system.promise_s} s of footage.</p>`:null}
  </section>`}var ae={ok:"In order",healthy:"In order",recording:"In order",full:"Full",pressure:"Too full",failed:"Failed",readonly:"Read only",read_only:"Read only",absent:"Not there",foreign:"Another disk"},oe=(e,t)=>t&&e.name?a`<b class="disk-name">${e.name}</b> `:null;function ye({v:e,named:t}){let[s,o]=x(!1),i=async()=>{o(!0);try{await O.adopt(e.name??"",e.other??""),f("good","The disk is being taken in use.")}catch(d){f("error",d.message)}finally{o(!1)}};return a`<div class="disk" data-testid="disk-${e.name??e.id}">
    <p class="disk-head">${oe(e,t)}<span class="mono">${e.path??""}</span>
      <span class="tag tag-bad"><${p} name="warn" size=${14} />${ae[e.state]??e.state}</span></p>
    ${e.reason&&a`<p class="disk-says bad">${k(e.reason)}</p>`}
    ${e.state==="foreign"&&e.other&&L.value?.role==="admin"&&a`<p><button class="button" type="button" disabled=${s||g.value} onClick=${i} data-testid="adopt-${e.name}">Use this disk</button>
      <span class="muted small"> Its footage stays and is shown; new footage goes to it.</span></p>`}
  </div>`}function ke({v:e,named:t}){let s=fe(e),o=V(e,s),i=Math.max(1,e.total_bytes),d=w=>Math.min(100,Math.max(0,w/i*100)),l=e.total_bytes-e.free_bytes,c=Math.min(e.held_bytes,e.footage_bytes),b=Math.max(0,l-e.footage_bytes),h=e.free_bytes<e.reserve_bytes?"reserve":e.free_bytes<e.floor_bytes?"floor":"",n=["ok","healthy","recording","open","in order"].includes(e.state||"ok"),E=[{k:"other",w:d(b)},{k:"held",w:d(c)},{k:"footage",w:d(e.footage_bytes-c)}],U=0;return a`<div class="disk" data-testid="disk-${e.id}">
    <p class="disk-head">${oe(e,t)}<b>${u(e.free_bytes)} free</b> of ${u(e.total_bytes)} <span class="tag">${e.medium&&e.medium!=="unknown"?e.medium.toUpperCase():"Disk"}</span>
      <span class="tag ${n?"tag-good":"tag-bad"}"><${p} name=${n?"check":"warn"} size=${14} />${ae[e.state]??e.state??"In order"}</span></p>
    <svg class="disk-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${u(e.footage_bytes)} footage, ${u(c)} of it held, ${u(b)} other, ${u(e.free_bytes)} free">
      <rect class="bar-free" x="0" y="0" width="100" height="10" />
      ${E.map(w=>{let ne=U;return U+=w.w,a`<rect key=${w.k} class="bar-${w.k}" x=${ne} y="0" width=${w.w} height="10" />`})}
      <rect class="bar-line bar-high" x=${100-d(e.high_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-floor" x=${100-d(e.floor_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-reserve" x=${Math.min(99.6,100-d(e.reserve_bytes))} y="0" width="0.4" height="10" />
    </svg>
    <ul class="legend">
      <li><i class="key key-footage"></i>Footage <b>${u(e.footage_bytes-c)}</b></li>
      ${c>0&&a`<li><i class="key key-held"></i>Held <b>${u(c)}</b></li>`}
      <li><i class="key key-other"></i>Other <b>${u(b)}</b></li>
      <li><i class="key key-high"></i>High mark <b>${u(e.high_bytes)}</b></li>
      <li><i class="key key-floor"></i>Floor <b>${u(e.floor_bytes)}</b></li>
      <li><i class="key key-reserve"></i>Reserve <b>${u(e.reserve_bytes)}</b></li>
    </ul>
    ${e.state==="failed"&&e.reason&&a`<p class="disk-says bad">${k(e.reason)}</p>`}
    <p class="disk-says ${h?"bad":""}">${h==="reserve"?a`<${p} name="warn" size=${16} /> Below the reserve: recording on this disk has stopped.`:h==="floor"?a`<${p} name="warn" size=${16} /> Below the floor: the oldest footage is being deleted now.`:o===null?"How long footage is kept shows once the write rate is known.":a`Keeps <b>about ${_e(o)}</b> at ${H(s*8)}.`}</p>
  </div>`}function _e(e){return e<1?y(Math.max(1,Math.round(e*24)),"hour"):e<10?`${e.toFixed(1)} days`:y(Math.round(e),"day")}var we={ntp:"network time",rtc:"the battery clock",network:"network time",sntp:"network time",system:"the operating system",kernel:"the operating system",simulated:"the computer it runs on"};function ve(){let e=m.value,t=e.system.clock,s=v.value,o=Math.abs(e.skew);return a`<section class="card clockcard" aria-labelledby="clock-h"><h2 id="clock-h">Clock</h2>
    <p class="clock-big mono">${B(P.value,s)} <small>${s==="utc"?"UTC":"local"}</small></p>
    <p class=${t?.trusted===!1?"bad":""}><${p} name=${t?.trusted===!1?"warn":"check"} size=${16} />
      ${t===void 0?" Not known":t.trusted?` Trusted${t.source?`, set by ${we[t.source]??t.source}`:""}`:" Not trusted yet: footage is kept and stamped again once it is."}</p>
    ${o>5e3&&a`<p class="warnline"><${p} name="warn" size=${16} /> ${D(o)} ${e.skew>0?"ahead of":"behind"} this device.</p>`}
  </section>`}function xe(){let e=C.value;return a`<section class="card span2" aria-labelledby="cams-h"><h2 id="cams-h">Cameras</h2>
    ${e.length===0?a`<p class="muted">None yet.</p>`:a`<div class="table-box"><table class="table stackable">
      <thead><tr><th scope="col">Camera</th><th scope="col">State</th><th scope="col">Last written</th><th scope="col">Rate</th><th scope="col">Drops</th></tr></thead>
      <tbody>${e.map(t=>a`<${Te} key=${t.id} c=${t} />`)}</tbody>
    </table></div>`}
  </section>`}function Te({c:e}){let t=e.last_written?Date.parse(e.last_written):NaN,s=P.value-t,o=e.state==="recording"&&s>15e3;return a`<tr data-testid="status-camera-${e.id}">
    <th scope="row"><a href="#/cameras/${encodeURIComponent(e.id)}">${e.name}</a></th>
    <td data-label="State"><${J} state=${e.state} />${e.state_reason&&e.state!=="recording"&&a`<small class="why">${k(e.state_reason)}</small>`}</td>
    <td data-label="Last written" class=${o?"bad":""}>${Number.isFinite(t)?a`${o&&a`<${p} name="warn" size=${14} /> `}${Z(s)}`:a`<span class="muted">never</span>`}</td>
    <td data-label="Rate" class="mono">${e.bitrate_bps&&G(e)?H(e.bitrate_bps):"–"}</td>
    <td data-label="Drops" class="mono ${e.drops?"warnline":""}">${e.drops??0}</td>
  </tr>`}function Ce(){let[e,t]=x([]),s=m.value.events.find(l=>l.type==="evidence_hold"||l.type==="evidence_released")?.seq,o=()=>K.list().then(l=>t(l.reverse())).catch(()=>t([]));M(()=>{o()},[s]);let i=async l=>{try{await K.release(l.id),f("good","Released: it is deleted when its time comes.")}catch(c){f("error",c instanceof q?c.message:"It could not be released.")}o()};if(e.length===0)return null;let d=["admin","manager"].includes(L.value?.role??"");return a`<section class="card span2" aria-labelledby="kept-h"><h2 id="kept-h">Kept footage</h2>
    <div class="table-box"><table class="table stackable" data-testid="kept">
      <thead><tr><th scope="col">Cameras</th><th scope="col">From</th><th scope="col">To</th><th scope="col">By</th>${d&&a`<th scope="col"><span class="sr">Release</span></th>`}</tr></thead>
      <tbody>${e.slice(0,100).map(l=>a`<tr key=${l.id} data-testid="kept-${l.id}">
        <th scope="row">${(l.cameras??[]).map(c=>C.value.find(b=>b.id===c)?.name??c).join(", ")}</th>
        <td data-label="From" class="mono">${F(Date.parse(l.from),v.value)}</td>
        <td data-label="To" class="mono">${F(Date.parse(l.to),v.value)}</td>
        <td data-label="By">${l.by}${l.reason&&a` <small>${l.reason}</small>`}</td>
        ${d&&a`<td><button type="button" class="button" onClick=${()=>i(l)} data-testid="release-${l.id}">Release</button></td>`}
      </tr>`)}</tbody>
    </table></div>
  </section>`}function De(){let e=m.value.events;return a`<section class="card span2" aria-labelledby="events-h"><h2 id="events-h">What happened</h2>
    ${e.length===0?a`<p class="muted">Nothing yet.</p>`:a`<ol class="events" data-testid="events">${e.slice(0,100).map(t=>a`<${Re} key=${t.seq} e=${t} />`)}</ol>`}
  </section>`}function Re({e}){let t=C.value.find(i=>i.id===e.camera)?.name??e.camera,s=e.severity==="critical"?"cross":e.severity==="warning"?"warn":"info",o=se(e,t,v.value);return a`<li class="event event-${e.severity}">
    <${p} name=${s} size=${16} /><span class="sr">${e.severity}: </span>
    <time class="mono" dateTime=${e.time}>${F(Date.parse(e.time),v.value)}</time>
    <span class="event-text">${o.text}${o.detail&&a` <small>${o.detail}</small>`}</span>
  </li>`}export{Oe as StatusScreen};
